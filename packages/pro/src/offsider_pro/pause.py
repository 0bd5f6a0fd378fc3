"""Pauses and resumes queues, and classes of jobs. What a worker makes of it is `pause_view`'s part."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.errors import InvalidOption, Malformed, shown, suggest
from offsider.job import record as records
from offsider.job.record import Record, check_json, check_name
from offsider.job.signature import JobSignature

from .keys import ProKeys
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.wire import Wire

EVERY_S = 2.0
"""How often a worker looks at what is paused."""
HELD_S = 60.0
"""How long a job of a paused class waits before a worker looks at it again."""
RELEASE_S = EVERY_S + 0.5
MOST_CLASSES = 1000
MOST_TEXT = 1000
MOST_WHERE_BYTES = 10_000
PAGE = 1000
READ_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause.

    Attributes:
        kind: ``queue`` or ``class``.
        name: The queue's, or the job's.
        where: Of a class: only jobs with these arguments, by name; all of them when empty.
        by, reason: Who has paused it, and why; empty when that is not known.
        at_s: When, epoch seconds by that machine's clock; None when that is not known.
    """

    kind: str
    name: str
    where: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    reason: str = ""
    at_s: float | None = None

    def __str__(self) -> str:
        """``queue 'mail'``, or ``jobs 'shop.welcome' with {"locale":"de"}``."""
        if self.kind == "queue":
            return f"queue {self.name!r}"
        return f"jobs {self.name!r}" + (f" with {_canonical(self.where)}" if self.where else "")


class Pauses:
    """What of an app is paused.

    * a paused queue: nothing is taken from it; jobs that run end, pushes and scheduled jobs go on to come in;
    * a paused class: its jobs are taken, and wait in the schedule instead of being run; they use no attempt;
    * workers know within two seconds, in both directions; a pause lasts until it is ended.

    Args:
        app: Whose.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> pauses = Pauses(app)                                        # doctest: +SKIP
        >>> pauses.pause("mail", reason="the provider is down")         # doctest: +SKIP
        >>> pauses.resume("mail")                                       # doctest: +SKIP
        True
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._own = ProKeys(app.keys)
        self._scripts = {name: script_of(app, name) for name in ("pause", "resume", "paused", "release")}

    # -- queues --------------------------------------------------------------------------------------------

    def pause(self, queue: str, *, reason: str = "", by: str | None = None) -> Pause:
        """Take nothing from a queue any more, whether it exists or not (`queues` says which do).

        Args:
            queue: Its name.
            reason: Why; shown to whoever asks.
            by: Who; the user and machine of this process when None.

        Raises:
            InvalidName: The queue's name is none.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        check_name("queue", queue)
        pause = self._made("queue", queue, {}, reason, by)
        with self._wire() as wire:
            wire.run(self._scripts["pause"], [self._own.paused, self._own.pauses], [queue, _note(pause)])
        return pause

    def resume(self, queue: str) -> bool:
        """Take from a queue again.

        Returns:
            True when it was paused.

        Raises:
            InvalidName: The queue's name is none.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        keys = self._app.keys
        check_name("queue", queue)
        places = [self._own.paused, self._own.pauses, keys.queue(queue), keys.bell(queue)]
        with self._wire() as wire:
            return bool(wire.run(self._scripts["resume"], places, [queue]))

    def queues(self) -> list[str]:
        """The names of all queues that were ever enqueued into, sorted."""
        with self._wire() as wire:
            return sorted(name.decode() for name in wire.command("SMEMBERS", self._app.keys.queues))

    # -- classes -------------------------------------------------------------------------------------------

    def pause_class(
        self, name: str, *, where: Mapping[str, Any] | None = None, reason: str = "", by: str | None = None
    ) -> Pause:
        """Run no jobs of a class, or none with these arguments.

        Args:
            name: The job's, as ``shop.welcome``.
            where: Arguments by name, as they are in JSON; a job has to have all of them.
            reason, by: As of `pause`.

        Raises:
            InvalidOption: The app has no such job or argument, or there are a thousand such pauses already.
            NotJson: A value that JSON cannot carry.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        given = dict(where or {})
        self._check_class(name, given)
        pause = self._made("class", name, given, reason, by)
        with self._wire() as wire:
            if int(wire.command("HLEN", self._own.job_pauses)) >= MOST_CLASSES:
                raise InvalidOption(
                    f"{MOST_CLASSES} classes are paused already: end some of them (`Pauses.all` has them)"
                )
            wire.command("HSET", self._own.job_pauses, _canonical([name, given]), _note(pause))
        return pause

    def resume_class(self, name: str, *, where: Mapping[str, Any] | None = None) -> bool:
        """Run jobs of a class again; those that were held are due within three seconds.

        Args:
            name: The job's.
            where: End only the pause with exactly these arguments; all pauses of the class when None.

        Returns:
            True when there was such a pause.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        ended = [one for one in self.all() if one.kind == "class" and one.name == name]
        ended = [one for one in ended if where is None or _canonical(one.where) == _canonical(where)]
        fields = [_canonical([one.name, one.where]) for one in ended]
        with self._wire() as wire:
            was = bool(fields) and bool(wire.command("HDEL", self._own.job_pauses, *fields))
            self._release(wire, name)
        return was

    # -- all -----------------------------------------------------------------------------------------------

    def all(self) -> list[Pause]:
        """Everything that is paused: queues, then classes, by name.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._wire() as wire:
            keys = [self._own.paused, self._own.pauses, self._own.job_pauses]
            names, notes, classes = wire.run(self._scripts["paused"], keys, ["1"])
        told = {name: _read_note(note) for name, note in pairs(notes)}
        found = [Pause("queue", name.decode("utf-8", "replace"), {}, *told.get(name, ("", "", None))) for name in names]
        found += [pause for pair in pairs(classes) if (pause := read_class(*pair)) is not None]
        return sorted(found, key=lambda one: (one.kind != "queue", one.name, str(one)))

    def _release(self, wire: Wire, name: str) -> None:
        """Jobs of a class that wait because they were held need not wait for the whole of their time."""
        keys = [self._app.keys.schedule, self._app.keys.schedule_bell]
        seconds, microseconds = wire.command("TIME")
        soon_s = int(seconds) + int(microseconds) / 1e6 + RELEASE_S
        after_s, last_s, skip, released = float(int(seconds)), int(seconds) + HELD_S + EVERY_S, 0, 0
        while True:
            limit = ("WITHSCORES", "LIMIT", skip, PAGE)
            entries = scored(wire.command("ZRANGEBYSCORE", keys[0], repr(after_s), last_s, *limit))
            # What was released lies ahead, at fixed times: to move it once more would be to run after it for ever.
            done_s = soon_s + (released + 1) / 1e6
            held = {one: due_s for one, due_s in entries if not soon_s <= due_s <= done_s and _is_held(one, name)}
            if held:
                wire.run(self._scripts["release"], keys, [soon_s, released, *held])
                released += len(held)
            if len(entries) < PAGE:
                return
            skip = skip if entries[-1][1] == after_s else 0
            after_s = entries[-1][1]  # where others may lie, too, beyond the page
            skip += sum(due_s == after_s and one not in held for one, due_s in entries)

    def _check_class(self, name: str, where: dict[str, Any]) -> None:
        job = self._app.jobs.get(name)
        if job is None:
            raise InvalidOption(
                f"there is no job {name!r} in this app.{suggest(name, self._app.jobs)}"
                f" Its jobs are: {', '.join(sorted(self._app.jobs)) or 'none'}"
            )
        signature = JobSignature(job.fn, name)
        known = list(signature.wire.parameters)
        for argument, value in where.items():
            if argument not in known and signature.others is None:
                raise InvalidOption(
                    f"job {name}{signature.wire} has no argument {argument!r}.{suggest(str(argument), known)}"
                )
            if job.codec.hides(job, argument):
                raise InvalidOption(
                    f"the argument {argument!r} of job {name!r} is encrypted, and cannot be compared. Pause all jobs of"
                    " the class, or those with another argument"
                )
            check_json(value, f"where.{argument}")
        if len(_canonical(where)) > MOST_WHERE_BYTES:
            raise InvalidOption(f"where has over {MOST_WHERE_BYTES:,} letters: compare fewer arguments")

    @staticmethod
    def _made(kind: str, name: str, where: dict[str, Any], reason: str, by: str | None) -> Pause:
        for what, text in (("reason", reason), ("by", by or "")):
            if len(text) > MOST_TEXT:
                raise InvalidOption(f"{what} is {shown(text)}: expected at most {MOST_TEXT} letters")
        return Pause(kind, name, where, _whoami() if by is None else by, reason, clock.now_s())

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        wire = self._app.connections.wire("pauses", read_timeout_s=READ_TIMEOUT_S)
        try:
            yield wire
        finally:
            wire.close()


# -- on the wire -------------------------------------------------------------------------------------------


def read_class(name_and_where: bytes, note: bytes) -> Pause | None:
    """A pause of a class from its field and its value; None for bytes that are none."""
    try:
        name, where = json.loads(name_and_where)
    except (ValueError, TypeError, RecursionError):
        return None
    if not (isinstance(name, str) and isinstance(where, dict)):
        return None
    return Pause("class", name, where, *_read_note(note))


def pairs(reply: Any) -> list[tuple[bytes, bytes]]:
    """A hash: a flat list from a script."""
    return list(zip(reply[::2], reply[1::2], strict=True))


def scored(reply: list[Any]) -> list[tuple[bytes, float]]:
    """Members and scores of a sorted set: one flat list by RESP2, pairs by RESP3."""
    if reply and isinstance(reply[0], (list, tuple)):
        return [(member, float(score)) for member, score in reply]
    return [(reply[k], float(reply[k + 1])) for k in range(0, len(reply), 2)]


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _note(pause: Pause) -> str:
    return _canonical({"by": pause.by, "at": pause.at_s, "reason": pause.reason})


def _read_note(note: bytes) -> tuple[str, str, float | None]:
    """By whom, why and when; whatever the bytes are."""
    try:
        told = json.loads(note)
        at_s = told.get("at")
        return str(told.get("by", "")), str(told.get("reason", "")), float(at_s) if at_s is not None else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "", "", None


def _is_held(member: bytes, name: str) -> bool:
    try:
        record: Record = records.loads(member)
    except Malformed:
        return False
    note = record.get("put_back") or {}
    return record["class"] == name and str(note.get("reason", "")).startswith(f"jobs {name!r}")


def _whoami() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"

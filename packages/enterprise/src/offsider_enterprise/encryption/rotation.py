"""Encrypts what waits with the active key, entry by entry. Whatever ends it, it is begun again, and goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from offsider.api.desk import told
from offsider.api.search import pairs
from offsider.contract.work import Hold
from offsider.errors import Malformed, NotJson, PayloadTooLarge
from offsider.job.record import dumps, loads, rewritten
from offsider.job.sealing import FAILURE
from offsider.job.sealing import FIELD as SEALED

from ..scripts import script_of
from .codec import WHOLE, EncryptionCodec, sealed_places
from .option import declared, names_of
from .survey import SETS, tokens_of
from .token import Refused, seal

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.record import Record
    from offsider.store.wire import Argument, Wire

log = logging.getLogger("offsider.enterprise")

PAGE = 100
MOST_PASSES = 5  # what moves while it is looked for is met by the next one


@dataclass(slots=True)
class Rotated:
    """What was done.

    Attributes:
        rotated: How many jobs have the active key now, and had another.
        sealed: How many were plain, and are encrypted now.
        moved: How often a job had gone on before it could be changed: it has run, or the next pass has met it.
        missing: How many have a key that is not here; they stay as they are.
        refused: How many have values that were not written for their place, or would be too large for Redis; they stay
            as they are, and the log says why.
        looked_at: How many entries were looked at, in all passes.
    """

    rotated: int = 0
    sealed: int = 0
    moved: int = 0
    missing: int = 0
    refused: int = 0
    looked_at: int = 0

    def to_dict(self) -> dict[str, int]:
        """All of it, for JSON."""
        return asdict(self)


class Rotation:
    """One rotation of what waits: queues, schedule, retries and the dead.

    * each entry is compared and replaced in one step: what was taken or moved meanwhile is left alone;
    * what has the active key already is not touched: it may be repeated, and run anywhere at once;
    * jobs in flight are not touched; what becomes of them later is for the next rotation.

    Args:
        app: Whose Redis.
        codec: Its keys.
        seal_plaintext: Whether to encrypt, too, what is plain and by the code is to be encrypted.
        dry_run: Only count.
    """

    def __init__(
        self, app: App, codec: EncryptionCodec, *, seal_plaintext: bool = False, dry_run: bool = False
    ) -> None:
        self._app = app
        self._codec = codec
        self._seal_plaintext = seal_plaintext
        self._dry_run = dry_run
        self._done = Rotated()

    def run(self) -> Rotated:
        """Go over everything until nothing is left to do.

        Raises:
            InvalidSetting: There is no key.
            StoreError: Redis is away or refuses: what was done is done; begin again.
        """
        for _ in range(1 if self._dry_run else MOST_PASSES):
            before = self._done.rotated + self._done.sealed + self._done.moved
            self._done.missing = self._done.refused = 0
            with self._app.desk.wire() as wire:
                self._pass(wire)
            if self._done.rotated + self._done.sealed + self._done.moved == before:
                break
        return self._done

    # -- places ------------------------------------------------------------------------------------------------

    def _pass(self, wire: Wire) -> None:
        for place in SETS:
            self._over_set(wire, getattr(self._app.keys, place))
        for name in self._app.queues.names():
            self._over_queue(wire, self._app.keys.queue(name))

    def _over_set(self, wire: Wire, key: str) -> None:
        cursor: Any = b"0"
        while True:
            cursor, page = told(wire, (b"0", []), "ZSCAN", key, cursor, "COUNT", PAGE)
            self._swap(wire, "encryption_swap_set", key, [], [member for member, _score in pairs(page)])
            if int(cursor) == 0:
                return

    def _over_queue(self, wire: Wire, key: str) -> None:
        """From the end that is pushed to: pushes move entries away from here, and they are met further on."""
        start = 0
        while True:
            page: list[bytes] = told(wire, [], "LRANGE", key, start, start + PAGE - 1)
            self._swap(wire, "encryption_swap_queue", key, [start, len(page)], page)
            start += len(page)
            if len(page) < PAGE:
                return

    def _swap(self, wire: Wire, script: str, key: str, arguments: list[Argument], page: Iterable[bytes]) -> None:
        """Replace what needs it of one page."""
        words, kinds = arguments, []
        for raw in page:
            self._done.looked_at += 1
            fresh, kind = self._fresh(raw)
            if fresh is not None:
                words += (raw, fresh)
                kinds.append(kind)
        if not kinds:
            return
        counts = [1] * len(kinds) if self._dry_run else wire.run(script_of(self._app, script), [key], words)
        for kind, count in zip(kinds, counts, strict=True):
            what = kind if count else "moved"
            setattr(self._done, what, getattr(self._done, what) + 1)

    # -- one job -----------------------------------------------------------------------------------------------

    def _fresh(self, raw: bytes) -> tuple[bytes | None, str]:
        """The bytes that are to take the place of these, and why; None when they may stay."""
        try:
            record = loads(raw)
            plain = self._seal_plaintext and self._is_plain(record)
            if plain:
                return dumps(self._sealed(record)), "sealed"  # it grows by a third: no larger than what is pushed
            active = self._codec.ring.active
            if all(one.key_id == active.id and one.fingerprint == active.fingerprint for one in tokens_of(raw)):
                return None, ""
            return rewritten(self._again(record)), "rotated"
        except (Refused, NotJson, PayloadTooLarge) as error:  # one such job must not end every rotation
            self._done.refused += 1
            log.error("a job stays as it is, it cannot be encrypted anew: %s", error)
        except Malformed:
            pass  # no job: a worker puts it into quarantine
        except Hold:
            self._done.missing += 1
        return None, ""

    def _again(self, record: Record) -> Record:
        """The same with the active key in all places where something is encrypted."""
        args, kwargs = self._codec.open_call(record)
        fresh = self._without_failure(record)
        if record[SEALED].get("args") is True:
            fresh["args"] = [seal([args, kwargs], self._codec.ring.active, self._codec.place_of(record, WHOLE))]
        else:
            self._codec.seal_places(fresh, args, kwargs, sealed_places(record))
        self._codec.seal_fields(fresh, FAILURE, jid=str(record["jid"]), of="job")
        return fresh

    def _without_failure(self, record: Record) -> Record:
        """A copy with the error of its last failure plain, to be encrypted anew."""
        jid = str(record["jid"])
        fresh = self._codec.open_fields(record, jid=jid, of="job")
        was = {name: what for name, what in record[SEALED].items() if name in ("args", "kwargs")}
        return {**fresh, SEALED: was}

    def _is_plain(self, record: Record) -> bool:
        """True for a job of ours that the code says is encrypted, and that is not, or not in all places."""
        job = self._app.jobs.get(record["class"])
        option = None if job is None else declared(job)
        if job is None or not option:
            return False
        sealed = record.get(SEALED) or {}
        if sealed.get("args") is True:
            return False
        names, hidden = names_of(option, job), sealed_places(record)
        places = job.arguments.named(record["args"], record.get("kwargs") or {})
        return any((names is None or name in names) and at not in hidden for at, name in places)

    def _sealed(self, record: Record) -> Record:
        """The same, encrypted as the code says, and what was encrypted before as well."""
        job = self._app.jobs[record["class"]]
        args, kwargs = self._codec.open_call(record)
        names, hidden = names_of(declared(job), job), sealed_places(record)
        if names is not None:
            names |= {name for at, name in job.arguments.named(args, kwargs) if at in hidden}
        fresh = self._without_failure({SEALED: {}, **record})
        fresh |= {"args": args, "kwargs": kwargs} if kwargs else {"args": args}
        fresh[SEALED] = {}
        self._codec.seal_call(fresh, job, names)
        self._codec.seal_fields(fresh, FAILURE, jid=str(record["jid"]), of="job")
        return fresh

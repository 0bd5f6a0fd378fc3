"""An entry of the crontab: what code, settings or people want to be run, and when. Values; talks to nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offsider.errors import InvalidOption, shown, suggest
from offsider.job.options import seconds
from offsider.job.record import check_json, check_name
from offsider.shards import Shard

from ..encryption.option import FIELD as ENCRYPT
from .missed import ONCE, POLICIES
from .schedule import Schedule, schedule
from .wall import WallClock

if TYPE_CHECKING:
    from offsider import App
    from offsider.config.model import Settings
    from offsider.job.define import Enqueuer, Job

CODE, SETTINGS, RUN_TIME = "code", "settings", "run time"
SOURCES = (CODE, SETTINGS, RUN_TIME)
DAY_S = 86_400.0
MOST_BYTES = 100_000
NOT_HERE = frozenset({"delay", "at", "spread"})


@dataclass(frozen=True, slots=True)
class Cron:
    """When a job runs by itself: the option ``cron`` of ``@app.job(…)``.

    Args:
        cron: Five fields: minute, hour, day of the month, month, day of the week.
        zone: Whose wall clock they are on; the setting ``enterprise.cron_zone`` when None.
        name: The entry's; the job's when None. A job with several entries names them.
        args, kwargs: The job's arguments.
        options: Options of the job for these runs, as ``job.using(…)`` takes them, of values that JSON has.
        missed: Runs that nobody was there for: ``"once"``: the last one, for all; ``"all"``; ``"skip"``.
        window: ``once`` and ``all`` go back so far (seconds or `timedelta`).

    Raises:
        InvalidOption: Something of it cannot be.

    Example:
        >>> Cron("0 3 * * mon-fri", zone="Europe/Berlin").missed
        'once'
    """

    cron: str
    zone: str | None = None
    name: str | None = None
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    missed: str = ONCE
    window: float | timedelta = DAY_S

    def __post_init__(self) -> None:
        schedule(self.cron, self.zone or "UTC", "x")
        check_missed(self.missed)
        seconds(self.window, "window")
        if self.name is not None:
            check_name("name of a cron entry", self.name)


def check_missed(missed: object) -> None:
    """Refuse a policy that is none.

    Raises:
        InvalidOption: It is none.
    """
    if missed not in POLICIES:
        raise InvalidOption(f"missed is {shown(missed)}: expected one of {', '.join(POLICIES)}")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is kept.

    Attributes:
        name: Its name.
        job: The job's.
        cron, zone: Five fields, and whose wall clock they are on.
        args, kwargs: The job's arguments, as JSON.
        options: Options of the job for these runs.
        missed, window_s: What happens to runs that were missed, and how far back.
        source: ``code``, ``settings`` or ``run time``.
        by: Who has written it, when it was at run time.
    """

    name: str
    job: str
    cron: str
    zone: str = "UTC"
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    missed: str = ONCE
    window_s: float = DAY_S
    source: str = RUN_TIME
    by: str = ""

    @property
    def schedule(self) -> Schedule:
        """When it is due."""
        return schedule(self.cron, self.zone, self.name)

    @property
    def times(self) -> str:
        """Its fields and its zone: while they are the same, it is due when it was."""
        return f"{self.schedule.fields.text}|{self.zone}"

    @property
    def rev(self) -> str:
        """Changes with each change of it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps({key: getattr(self, key) for key in KEPT}, ensure_ascii=False, separators=(",", ":"))

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"name": self.name, **{key: getattr(self, key) for key in KEPT}, "source": self.source}


KEPT = ("job", "cron", "zone", "args", "kwargs", "options", "missed", "window_s", "by")


def read_entry(name: str, source: str, raw: bytes | str) -> Entry | None:
    """An entry out of Redis; None for what is none: another program, or a later version, has written it."""
    try:
        kept = json.loads(raw)
        entry = Entry(name, source=source, **{key: kept[key] for key in KEPT if key in kept})
        check_missed(entry.missed)
        _ = entry.schedule, entry.args[:0], [*entry.kwargs, *entry.options], entry.window_s + 0
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOption, RecursionError):
        return None
    return entry


def bound(app: App | Shard, entry: Entry) -> tuple[Enqueuer[Any, Any], list[Any], dict[str, Any]]:
    """The job of an entry with its options, and its arguments as the job takes them.

    Raises:
        JobError: The app has no such job, or the job takes no such options or arguments.
    """
    job = job_of(app, entry.job)
    args, kwargs = job.arguments.decode(list(entry.args), dict(entry.kwargs))
    return job.using(**entry.options) if entry.options else job, args, kwargs


def job_of(app: App | Shard, name: str) -> Job[..., Any]:
    """A job of an app.

    Raises:
        InvalidOption: It has none of that name.
    """
    job = app.jobs.get(name)
    if job is None:
        raise InvalidOption(
            f"there is no job {shown(name)} in this app.{suggest(name, app.jobs)}"
            f" Its jobs are: {', '.join(sorted(app.jobs)) or 'none'}"
        )
    return job


def check(app: App | Shard, entry: Entry) -> Entry:
    """The entry, when everything of it can be.

    Raises:
        OffsiderError: Something of it cannot; the message begins with the entry's name.
    """
    check_name("name of a cron entry", entry.name)
    try:
        _check(app, entry)
    except Exception as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (f"cron entry {entry.name!r}: {error.args[0]}", *error.args[1:])
        raise
    return entry


def _check(app: App | Shard, entry: Entry) -> None:
    check_missed(entry.missed)
    if seconds(entry.window_s, "window") < 1:
        raise InvalidOption(f"window is {shown(entry.window_s)}: expected a second at least")
    WallClock(entry.zone)
    _ = entry.schedule
    _check_options(entry.options)
    check_json([entry.args, entry.kwargs], "arguments")
    job = job_of(app, entry.job)
    target, args, kwargs = bound(app, entry)
    record = target.request(*args, **kwargs).record
    if (entry.args or entry.kwargs) and (job.secret or record.get(ENCRYPT)):
        raise InvalidOption(
            f"the arguments of job {entry.job!r} are encrypted, and those of an entry lie in Redis as they are: leave"
            " them out, and let the job look them up"
        )
    _check_place(app, entry, target)
    size = len(entry.to_json())
    if size > MOST_BYTES:
        raise InvalidOption(f"it has {size:,} letters: expected at most {MOST_BYTES:,}. Keep the data elsewhere")


def _check_options(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name in NOT_HERE:
            raise InvalidOption(f"options have {name!r}, but the crontab says when: leave it out")
        if isinstance(value, timedelta):
            raise InvalidOption(f"option {name} is {shown(value)}: write seconds, {value.total_seconds():g}")
        check_json(value, f"option {name}")


def _check_place(app: App | Shard, entry: Entry, target: Enqueuer[Any, Any]) -> None:
    if not lives_here(app, target):
        raise InvalidOption(
            f"queue {target._options.queue!r} of job {entry.job!r} is in another shard than this process works for: an"
            " entry lies beside its queue. Use an app that serves that shard (`--shard NAME`, `app.serve(NAME)`)"
        )


def lives_here(app: App | Shard, target: Enqueuer[Any, Any]) -> bool:
    """True when the queue of a job is in the Redis that this process works for: an entry lies beside it."""
    shards = app.settings.shards
    if not shards:
        return True
    from offsider.client.routes import Routes

    options = target._options
    routes = Routes({name: shard.queues for name, shard in shards.items()})
    its = options.shard or routes(options.queue)
    whole = app.app if isinstance(app, Shard) else app
    return _place(whole.home if its is None else whole.shard(its).settings) == _place(app.settings)


def _place(settings: Settings) -> tuple[str | None, str]:
    return settings.redis.url, settings.namespace

"""Every setting with its type, default and unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ..errors import InvalidName, InvalidSetting, shown
from ..job.record import check_name

T = TypeVar("T")
MOST_WEIGHT = 1000
MOST_DIGITS = 9
_WEIGHT = re.compile(r"[+-]?[0-9]+\Z")


class Section(BaseModel):
    """The base of every section: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_queues(queues: Sequence[str]) -> dict[str, int]:
    """Names and weights of ``"name"`` and ``"name:weight"``; weight 0 when none is given.

    Raises:
        InvalidSetting: A weight is no whole number from 1 to 1000, a name occurs twice, or there is none.
        InvalidName: A name has letters it cannot have.

    Example:
        >>> parse_queues(["high:3", "low:1"])
        {'high': 3, 'low': 1}
    """
    weights: dict[str, int] = {}
    for queue in queues:
        name, colon, weight = queue.strip().rpartition(":")
        if not colon or not _WEIGHT.match(weight):
            name, weight = queue.strip(), "0"
        elif len(weight) > MOST_DIGITS or not 1 <= int(weight) <= MOST_WEIGHT:
            raise InvalidSetting(f"queue {shown(queue)} has the weight {weight:.20}: expected 1 to {MOST_WEIGHT}")
        check_name("queue", name)
        if name in weights:
            raise InvalidSetting(f"queue {name!r} is given twice: give it once, with a weight ({name}:2) if you like")
        weights[name] = int(weight)
    if not weights:
        raise InvalidSetting('no queue is given: a worker needs at least one, e.g. queues = ["default"]')
    return weights


def _valid(check: Callable[[T], object], value: T) -> T:
    """The value; an error as pydantic wants it, so that it is told with the key and its source."""
    try:
        check(value)
    except (InvalidSetting, InvalidName) as error:
        raise ValueError(str(error)) from None
    return value


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RedisSettings(Section):
    """Where Redis is, and how long to wait for it.

    Attributes:
        url: ``redis://``, ``rediss://``, ``unix://``, ``redis+cluster://``, ``redis+sentinel://``; without one an
            embedded server is started.
        data_dir: Where the embedded server keeps its data; a folder of the user's cache when not set.
        connect_timeout_s: For one connection.
        push_deadline_s: How long an enqueue tries before it raises.
    """

    url: str | None = None
    data_dir: str | None = None
    connect_timeout_s: Seconds = 5.0
    push_deadline_s: Seconds = 10.0


class CapsuleSettings(Section):
    """A group of queues with a concurrency of its own."""

    queues: Texts
    concurrency: int = Field(default=1, ge=1, le=10_000)

    @field_validator("queues")
    @classmethod
    def _check_queues(cls, queues: list[str]) -> list[str]:
        return _valid(parse_queues, queues)


class WorkerSettings(Section):
    """The work side.

    Attributes:
        concurrency: Jobs at once, ``def`` and ``async def`` together.
        queues: ``name`` or ``name:weight``. Without weights: strictly in this order.
        capsules: Further groups of queues.
        shutdown_timeout_s: The grace for running jobs at TERM.
        lease_s: After this long without a sign of life a process is taken for dead. Longer than any job holds the GIL.
        beat_s: Between two heartbeats.
        tag, labels: Shown in the process list.
        unknown_job_window_s: How long a job that no worker knows is put back before it goes to quarantine.
        loop_stall_s: A job that blocks the event loop for this long is named in the log.
        cursor_every_s: A resumable job's cursor is kept at most so often while it runs; 0 for each yield.
        give_up_s: A worker that cannot reach Redis for this long exits with an error, to be restarted.
    """

    concurrency: int = Field(default=10, ge=1, le=10_000)
    queues: Texts = Field(default=["default"])
    capsules: dict[str, CapsuleSettings] = Field(default_factory=dict)
    shutdown_timeout_s: float = Field(default=25.0, ge=0, allow_inf_nan=False)
    lease_s: float = Field(default=60.0, ge=2, le=3600)
    beat_s: float = Field(default=10.0, gt=0, le=30)
    tag: str = ""
    labels: Texts = Field(default_factory=list)
    unknown_job_window_s: float = Field(default=3600.0, ge=0)
    loop_stall_s: Seconds = 1.0
    cursor_every_s: float = Field(default=5.0, ge=0, le=3600)
    give_up_s: Seconds = 300.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["pretty", "json", "logfmt"] = "pretty"

    @field_validator("queues")
    @classmethod
    def _check_queues(cls, queues: list[str]) -> list[str]:
        return _valid(parse_queues, queues)


class ShardSettings(Section):
    """Another Redis, or another namespace, for some of the jobs.

    Attributes:
        url: Its Redis; the app's own when not set.
        namespace: The prefix of its keys; the app's own when not set.
        queues: What goes there: names, or beginnings with ``*`` at their end.
    """

    url: str | None = None
    namespace: str | None = None
    queues: Texts = Field(default_factory=list)

    @field_validator("namespace")
    @classmethod
    def _check_namespace(cls, namespace: str | None) -> str | None:
        return namespace and _valid(lambda name: check_name("namespace", name), namespace)

    @field_validator("queues")
    @classmethod
    def _check_queues(cls, queues: list[str]) -> list[str]:
        for queue in queues:
            beginning = queue.removesuffix("*")
            if beginning:
                _valid(lambda name: check_name("queue", name), beginning)
        return queues

    @model_validator(mode="after")
    def _check_place(self) -> ShardSettings:
        if not self.url and self.namespace is None:
            raise ValueError("expected a url, or a namespace, or both: without them it is the app's own place")
        return self

    @property
    def names(self) -> list[str]:
        """The queues that are named in full."""
        return [queue for queue in self.queues if not queue.endswith("*")]


class JobSettings(Section):
    """What holds for all jobs.

    Attributes:
        retry: How often a job with ``retry=True`` is retried.
        dead_max, dead_days: How much the dead set and the quarantine keep.
    """

    retry: int = Field(default=25, ge=0, le=1000)
    dead_max: int = Field(default=10_000, ge=1)
    dead_days: float = Field(default=180, gt=0)


class WebSettings(Section):
    """The web pages.

    Attributes:
        host, port: Where ``offsider web`` listens; off loopback only with a password.
        user, password: Who may come in; without a password only this machine.
        title: Beside the name on every page, e.g. ``staging``.
        poll_s: How often an open page asks for news.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    user: str = "admin"
    password: str | None = Field(default=None, repr=False)
    title: str = ""
    poll_s: float = Field(default=5.0, ge=1, le=3600)


CORE: dict[str, type[Section]] = {
    "redis": RedisSettings,
    "worker": WorkerSettings,
    "jobs": JobSettings,
    "web": WebSettings,
}


class Settings(Section):
    """All sections of the free edition.

    Attributes:
        namespace: The prefix ``{namespace}:`` of every key; empty for Sidekiq's own layout.
        shards: Other places for some of the jobs, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    redis: RedisSettings = Field(default_factory=RedisSettings)
    namespace: str = "offsider"
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    shards: dict[str, ShardSettings] = Field(default_factory=dict)

    @field_validator("namespace")
    @classmethod
    def _check_namespace(cls, namespace: str) -> str:
        return _valid(lambda name: name and check_name("namespace", name), namespace)

    @field_validator("shards")
    @classmethod
    def _check_shards(cls, shards: dict[str, ShardSettings]) -> dict[str, ShardSettings]:
        taken: dict[str, str] = {}
        for name, shard in shards.items():
            _valid(lambda name: check_name("shard", name), name)
            for queue in shard.queues:
                if queue in taken:
                    raise ValueError(f"queue {queue!r} goes to {taken[queue]!r} and {name!r}: give it to one of them")
                taken[queue] = name
        return shards

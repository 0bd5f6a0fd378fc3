"""A call's way from the caller to the body, without a Redis between: what a queue would do to its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from offsider.job import record
from offsider.job.args import Arguments
from offsider.job.context import Context
from offsider.job.define import Job
from offsider.job.options import CORE, JobOptions, OptionSpec, resolve
from offsider.job.push import PushRequest

JID = "0123456789abcdef01234567"
RECORD: dict[str, Any] = {"queue": "mail", "class": "welcome", "args": [], "jid": JID, "retry": True}


@contextmanager
def plain_python() -> Iterator[None]:
    """As if orjson were not installed."""
    found, record.orjson = record.orjson, None
    try:
        yield
    finally:
        record.orjson = found


def taking(*annotations: Any) -> Callable[..., Any]:
    """A function of one parameter for each annotation (``a``, ``b`` …) that returns what it is given."""
    one: Callable[..., Any] = lambda a: a  # noqa: E731 - its annotations are set below
    two: Callable[..., Any] = lambda a, b: (a, b)  # noqa: E731
    fn = one if len(annotations) == 1 else two
    fn.__annotations__ = dict(zip("ab", annotations, strict=False))
    return fn


def sent(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The payload of a call, as the worker reads it."""
    wire_args, wire_kwargs = Arguments(fn, "job").encode(args, kwargs)
    named = {"kwargs": wire_kwargs} if wire_kwargs else {}
    return record.loads(record.dumps({**RECORD, "args": wire_args, **named}))


def run(fn: Callable[..., Any], payload: dict[str, Any]) -> Any:
    """What the body makes of a payload."""
    arguments = Arguments(fn, "job")
    args, kwargs = arguments.decode(payload["args"], payload.get("kwargs") or {})
    if arguments.wants_context:
        arguments.inject(args, kwargs, Context(jid=JID))
    return fn(*args, **kwargs)


def through(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the body returns for a call that went through a payload."""
    return run(fn, sent(fn, *args, **kwargs))


class Kept:
    """A push side that keeps what it is given."""

    def __init__(self) -> None:
        self.requests: list[PushRequest] = []
        self.batch_sizes: list[int] = []

    def push(self, request: PushRequest) -> str | None:
        self.requests.append(request)
        return str(request.record["jid"])

    async def apush(self, request: PushRequest) -> str | None:
        return self.push(request)

    def push_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        self.batch_sizes.append(batch_size)
        return [self.push(one) for one in requests]

    async def apush_many(self, requests: Iterable[PushRequest], batch_size: int) -> list[str | None]:
        return self.push_many(requests, batch_size)

    def inline(self, request: PushRequest) -> Any:
        return ("inline", self.push(request))

    async def ainline(self, request: PushRequest) -> Any:
        return ("ainline", self.push(request))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The payloads to be."""
        return [one.record for one in self.requests]


def make_job(fn: Callable[..., Any], kept: Kept, *specs: OptionSpec, **options: Any) -> Job[..., Any]:
    """A job named ``job`` whose push side is ``kept``; with options of editions, too."""
    known = {one.name: one for one in (*CORE, *specs)}

    def over(base: JobOptions | None, given: Any, name: str) -> JobOptions:
        return resolve(base, given, known, job=name)

    return Job("job", fn, over(None, options, "job"), pusher=lambda: kept, resolve=over)

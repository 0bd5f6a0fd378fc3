"""What a job may return, how it is retried, and who is told: with the types that users see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_type

from offsider import CONTEXT, App, Cancel, Context, OptionSpec, Retry, Snooze
from offsider.contract.edition import Edition
from offsider.contract.middleware import ClientMiddleware, NextAsync, NextPush, NextSync, ServerMiddleware
from offsider.job.push import PushRequest

app = App("redis://localhost:6379/0", editions=[], worker={"concurrency": 20})


def wait_longer(attempt: int, error: BaseException) -> float | None:
    """A job's own delays."""
    return None if isinstance(error, OSError) else 2.0**attempt


def note_death(record: dict[str, Any], error: BaseException) -> None:
    """A hook."""


@app.job(retry=Retry(for_=timedelta(days=1), delay=wait_longer, discard=(KeyError, OSError), queue="slow"))
def poll(url: str) -> Snooze | None:
    """Tries later without using an attempt."""
    return Snooze(timedelta(minutes=1)) if url else Snooze(30)


@app.job(retry=3, on_exhausted=note_death)
async def remove(user: str, ctx: Context = CONTEXT) -> Cancel | Snooze | None:
    """Ends without a failure."""
    if ctx.stopping:
        return Snooze(5)
    return Cancel("user deleted") if ctx.still_ours() else Cancel()


@app.job(retry=False)
def once() -> None:
    """Without parameters."""


@app.job(retry=Retry(delay=lambda attempt, error: 1.0 * attempt))
def steady() -> None:
    """A delay without a name."""


def types_of_results() -> None:
    """`inline` shows what a body returned."""
    assert_type(poll.inline("https://example.org"), Snooze | None)
    assert_type(poll("https://example.org"), Snooze | None)
    assert_type(Snooze(5).delay_s, float)
    assert_type(Cancel("why").reason, str)
    assert_type(Retry(max=3).max, int)
    assert_type(once.enqueue(), str | None)


async def types_of_async_results() -> None:
    """The same for `async def`."""
    assert_type(await remove.inline("ada"), Cancel | Snooze | None)
    assert_type(await remove.using(queue="low").inline("ada"), Cancel | Snooze | None)


@app.on("death")
def alarm(record: dict[str, Any], error: BaseException) -> bool:
    """A listener stays the function it was."""
    return bool(record) and bool(error)


def listeners_are_functions() -> None:
    """Its result is known, too."""
    assert_type(alarm({}, ValueError()), bool)


class Tenant(ClientMiddleware):
    """Stamps every job."""

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Add a field."""
        request.record["tenant"] = "acme"
        return next(request)


class Timing(ServerMiddleware):
    """Around both kinds of jobs."""

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job."""
        return await next(execution)


class Plugin(Edition):
    """An edition of somebody else."""

    name = "plugin"

    def install(self, app: App) -> None:
        """Register what every process needs."""
        app.job_options.add("tenant", OptionSpec("tenant", "plugin", str), by="plugin")
        app.client_middleware.add("tenant", Tenant(), by="plugin")
        app.server_middleware.add("timing", Timing(), by="plugin", first=True)


def options_of_editions() -> Callable[[], str | None]:
    """Options that an edition adds are taken by `job` and `using`."""
    other = App("redis://localhost:6379/0", editions=[Plugin()])

    @other.job(queue="mail", tenant="acme")
    def report() -> None:
        """Has an option of the plug-in."""

    return report.using(tenant="other").enqueue

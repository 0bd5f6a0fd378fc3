"""Definitions that do not fit: each marked line is an error for every checker, and no other line is."""

from __future__ import annotations

from typing import Any

from offsider import CONTEXT, App, Cancel, Context, Retry, Snooze

app = App("redis://localhost:6379/0", editions=[])

App(7)  # WRONG: a URL is a text
App(editions="pro")  # WRONG: editions are objects
Retry(max="8")  # WRONG: a whole number
Retry(skip=ValueError)  # WRONG: a tuple of errors
Retry(discard=(7,))  # WRONG: no error
Retry(for_="1 day")  # WRONG: a duration
Retry(delay=lambda attempt: attempt)  # WRONG: it gets the error, too
Retry(mx=8)  # WRONG: no such field
Retry(max=8).max = 9  # WRONG: frozen
Snooze()  # WRONG: how long?
Snooze("30")  # WRONG: a duration
Snooze(30).delay = 5  # WRONG: frozen
Cancel(7)  # WRONG: a reason is a text
CONTEXT.progress(1)  # WRONG: of how much?
CONTEXT.progress("1", 2)  # WRONG: a number
CONTEXT.stopping()  # WRONG: a property
CONTEXT.jobid  # WRONG: it is called jid  # noqa: B018


def hook(record: dict[str, Any]) -> None:
    """A hook that forgets the error."""


@app.job(queue=7)  # WRONG: a queue has a name
def a() -> None:
    """With a wrong option."""


@app.job(retry="3")  # WRONG: a number, a bool or a Retry
def b() -> None:
    """With a wrong option."""


@app.job(timeout="30")  # WRONG: a duration
def c() -> None:
    """With a wrong option."""


@app.job(on_exhausted=hook)  # WRONG: it gets the error, too
def d() -> None:
    """With a wrong hook."""


@app.job(tags=7)  # WRONG: a list of texts
async def e() -> None:
    """With a wrong option."""


@app.job
def f(ctx: Context = CONTEXT) -> Snooze | None:
    """A result of its own."""
    return Cancel("no") if ctx.attempt else None  # WRONG: not in the annotation


@app.on("death")
def alarm(record: dict[str, Any], error: BaseException) -> None:
    """A listener stays the function it was."""


app.job(7)  # WRONG: no function
app.on(7)  # WRONG: an event has a name
alarm("record")  # WRONG: record is a dict, and the error is missing

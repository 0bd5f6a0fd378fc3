"""Jobs as users write them: the verbs take the function's own parameters, and know its result."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type
from uuid import UUID

from offsider import CONTEXT, App, Context, Job, Retry

app = App("redis://localhost:6379/0", editions=[])


@dataclass
class Line:
    """One line of an order."""

    article: str
    price: Decimal


@app.job
def add(a: int, b: int = 2) -> int:
    """A bare decorator."""
    return a + b


@app.job(queue="mail", retry=Retry(max=8, skip=(ValueError,)), timeout=30, tags=["mail"])
def welcome(user_id: UUID, *, locale: str = "en") -> None:
    """A decorator with options, and a keyword-only parameter."""


@app.job(name="charge", timeout=timedelta(minutes=1))
async def charge(order_id: int, lines: list[Line], ctx: Context = CONTEXT) -> str:
    """An async job that asks for its context."""
    ctx.progress(1, 2, "authorising")
    ctx.check()
    return f"{order_id} {len(lines)} {ctx.jid} {ctx.attempt} {ctx.stopping}"


@app.job
def mirror(*names: str, **sizes: int) -> list[str]:
    """Any number of arguments."""
    return [*names, *sizes]


def enqueue_def(user: UUID) -> None:
    """One job, now, later and with other options."""
    assert_type(add.enqueue(1), str | None)
    assert_type(add.enqueue(1, 2), str | None)
    assert_type(add.enqueue(a=1, b=2), str | None)
    assert_type(welcome.enqueue(user), str | None)
    assert_type(welcome.enqueue(user, locale="de"), str | None)
    assert_type(mirror.enqueue("a", "b", c=3), str | None)
    assert_type(welcome.using(delay=timedelta(hours=1), queue="low").enqueue(user, locale="de"), str | None)
    assert_type(welcome.using(delay=1.5).enqueue(user), str | None)
    assert_type(welcome.using(at=datetime.now(UTC)).enqueue(user_id=user), str | None)
    assert_type(welcome.using(at=1_800_000_000).enqueue(user), str | None)
    assert_type(welcome.using(retry=False, dead=False, backtrace=20, log_level="DEBUG").enqueue(user), str | None)
    assert_type(add.using(queue="low").using(delay=5).enqueue(1, b=2), str | None)


async def enqueue_on_a_loop(user: UUID, lines: list[Line]) -> None:
    """The same verbs for `async` callers; who enqueues and how the job runs have nothing to do with each other."""
    assert_type(await add.aenqueue(1, b=3), str | None)
    assert_type(await welcome.using(queue="low").aenqueue(user, locale="de"), str | None)
    assert_type(charge.enqueue(7, lines), str | None)
    assert_type(await charge.aenqueue(7, lines=lines), str | None)
    assert_type(await charge.using(delay=5, timeout=None).aenqueue(7, lines), str | None)
    assert_type(await charge.aenqueue_many([(7, lines)]), list[str | None])


def enqueue_many(lines: list[Line]) -> None:
    """Tuples of positional, or dicts of keyword arguments, from anything that can be iterated."""
    assert_type(add.enqueue_many([(1, 2), (3, 4)]), list[str | None])
    assert_type(add.enqueue_many({"a": n} for n in range(3)), list[str | None])
    assert_type(charge.enqueue_many([(1, lines)], at=datetime.now(UTC), batch_size=100), list[str | None])
    assert_type(add.enqueue_many([(1,), (2,)], at=[1_800_000_000.0, 1_800_000_001.0]), list[str | None])
    assert_type(add.using(queue="low").enqueue_many([(1, 2)], spread=timedelta(minutes=5)), list[str | None])


async def call_and_run_inline(user: UUID, lines: list[Line]) -> None:
    """A job is still its function; `inline` has the function's result, an awaitable one for `async def`."""
    assert_type(add(1), int)
    assert_type(add.inline(1, b=2), int)
    assert_type(add.using(queue="low").inline(1), int)
    assert_type(mirror.inline("a", c=3), list[str])
    welcome(user)
    welcome.inline(user, locale="de")
    called: Coroutine[Any, Any, str] = charge(7, lines)
    assert_type(await called, str)
    assert_type(await charge(7, lines, CONTEXT), str)
    waiting: Awaitable[str] = charge.inline(7, lines)
    assert_type(await waiting, str)
    assert_type(await charge.inline(7, lines=lines), str)


def jobs_are_values() -> None:
    """A function that takes a job says which parameters it must have."""
    chosen = [add, add.using(queue="low")][0]
    assert_type(chosen.enqueue(1), str | None)
    assert_type(enqueue_twice(add), list[str | None])
    assert_type(add.name, str)
    assert_type(charge.is_async, bool)


def enqueue_twice(job: Job[[int, int], int]) -> list[str | None]:
    """Takes any job of two numbers."""
    return [job.enqueue(1, 2), job.enqueue(3, 4)]

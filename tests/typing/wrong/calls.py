"""Calls that do not fit: each marked line is an error for every checker, and no other line is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from offsider import CONTEXT, App, Context, Job

app = App("redis://localhost:6379/0", editions=[])


@app.job
def add(a: int, b: int = 2) -> int:
    """A ``def`` job."""
    return a + b


@app.job(queue="mail")
def welcome(user_id: UUID, *, locale: str = "en") -> None:
    """With a keyword-only parameter."""


@app.job(queue="money")
async def charge(order_id: int, lines: list[str], ctx: Context = CONTEXT) -> str:
    """An ``async def`` job."""
    return f"{order_id} {lines} {ctx.jid}"


@app.job(queue="slow")
def backfill(cursor: int | None, table: str) -> Iterator[int]:
    """A resumable job."""
    yield 1


def resumable() -> None:
    """The worker fills in the cursor."""
    backfill.enqueue(None, "users")  # WRONG: nobody else does
    backfill.enqueue()  # WRONG: the table is missing
    backfill("users")  # WRONG: the function takes the cursor
    backfill.enqueue(7)  # WRONG: the table is a text


def enqueue(user: UUID) -> None:
    """`enqueue` has the parameters of the function."""
    add.enqueue()  # WRONG: a is missing
    add.enqueue("1")  # WRONG: a is a number
    add.enqueue(1, 2, 3)  # WRONG: one too many
    add.enqueue(1, c=3)  # WRONG: there is no c
    add.enqueue(1, a=1)  # WRONG: a is given twice
    welcome.enqueue("7")  # WRONG: user_id is a UUID
    welcome.enqueue(user, "de")  # WRONG: locale is keyword-only
    welcome.enqueue(user, locale=7)  # WRONG: locale is a text
    welcome.enqueue(user, queue="low")  # WRONG: options go to using()
    charge.enqueue(7)  # WRONG: lines are missing
    charge.enqueue(7, ["a"], "context")  # WRONG: ctx is a Context
    jid: str = add.enqueue(1)  # WRONG: a middleware may have stopped it
    print(jid)


def enqueue_with_options(user: UUID) -> None:
    """`using` keeps the parameters."""
    welcome.using(queue="low").enqueue("7")  # WRONG: user_id is a UUID
    welcome.using(delay=timedelta(hours=1)).enqueue(user, "de")  # WRONG: locale is keyword-only
    add.using(queue="low").using(delay=5).enqueue("1")  # WRONG: a is a number
    add.using(queue=7).enqueue(1)  # WRONG: a queue has a name
    add.using(delay="5").enqueue(1)  # WRONG: a duration is seconds or a timedelta
    add.using(at="tomorrow").enqueue(1)  # WRONG: a time is a datetime or a number
    add.using(tags=[7]).enqueue(1)  # WRONG: tags are texts
    add.using("low").enqueue(1)  # WRONG: options have names
    add.using(queue="low").using(queue=7).enqueue(1)  # WRONG: also over other options


async def enqueue_on_a_loop() -> None:
    """`aenqueue` has them, too, and must be awaited."""
    await add.aenqueue("1")  # WRONG: a is a number
    await charge.aenqueue(7)  # WRONG: lines are missing
    await charge.using(queue="low").aenqueue(7, lines=[1])  # WRONG: lines are texts
    jid: str | None = add.aenqueue(1)  # WRONG: not awaited
    print(jid)


def enqueue_many() -> None:
    """Calls are tuples or dicts."""
    add.enqueue_many([1, 2])  # WRONG: a number is no call
    add.enqueue_many(3)  # WRONG: not many
    add.enqueue_many([(1,)], at="tomorrow", batch_size=10)  # WRONG: no time
    add.enqueue_many([(1,)], batch_size="10")  # WRONG: no number
    jids: list[str] = add.enqueue_many([(1,)])  # WRONG: a middleware may have stopped one
    print(jids)


async def inline() -> None:
    """`inline` has the result of the function."""
    text: str = add.inline(1)  # WRONG: it returns a number
    add.inline("1")  # WRONG: a is a number
    number: int = await charge.inline(7, ["a"])  # WRONG: it returns a text
    late: str = charge.inline(7, ["a"])  # WRONG: not awaited
    await charge(7, ["a"], 3)  # WRONG: ctx is a Context
    add("1")  # WRONG: a direct call is checked, too
    print(text, number, late)


def take(job: Job[[str], None]) -> None:
    """Takes a job of one text."""
    job.enqueue("a")


def hand_over() -> None:
    """A job of other parameters is another type."""
    take(add)  # WRONG: add takes numbers

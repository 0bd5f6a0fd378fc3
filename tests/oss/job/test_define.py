"""A job: still a function, and a thing that can be enqueued, with its options and times."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from offsider import clock
from offsider.errors import InvalidArguments, InvalidOption, NotJson, UnknownOption
from offsider.job.define import Job, epoch_s
from offsider.job.options import OptionSpec, Retry
from support.wire import Kept, make_job

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW_S = NOW.timestamp()


def welcome(user: int, *, locale: str = "en") -> str:
    """Greets a user."""
    return f"{user} {locale}"


async def greet(user: int) -> str:
    """Greets a user, too."""
    return str(user)


@pytest.fixture
def kept() -> Kept:
    """Where the job is pushed to."""
    return Kept()


@pytest.fixture
def job(kept: Kept) -> Job[..., Any]:
    """One job."""
    return make_job(welcome, kept)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> float:
    """The time stands still."""
    monkeypatch.setattr(clock, "now_s", lambda: NOW_S)
    return NOW_S


def times(kept: Kept) -> list[float | None]:
    return [one.at_s for one in kept.requests]


# -- a function --------------------------------------------------------------------------------------------------


def test_a_job_is_called_like_the_function_it_is(job: Job[..., Any], kept: Kept) -> None:
    assert job(5) == "5 en"
    assert job(5, locale="de") == "5 de"
    assert asyncio.run(make_job(greet, kept)(5)) == "5"
    assert kept.requests == []


def test_a_job_looks_like_its_function(job: Job[..., Any]) -> None:
    assert (job.__name__, job.__doc__, job.__module__) == ("welcome", "Greets a user.", __name__)
    assert inspect.signature(job) == inspect.signature(welcome)
    assert job.fn is welcome
    assert not job.is_async
    assert make_job(greet, Kept()).is_async


def test_a_job_and_a_bound_job_say_what_they_are(job: Job[..., Any]) -> None:
    assert repr(job) == "<Job job queue=default>"
    assert repr(job.using(queue="low")).startswith("<Job job with JobOptions(queue='low', ")


def numbers() -> Iterator[int]:
    yield 1


async def anumbers() -> AsyncIterator[int]:
    yield 1


class Caller:
    def __call__(self) -> None:
        """Not a function."""


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (numbers, "job 'job' has a yield: calling it would run nothing"),
        (anumbers, "job 'job' has a yield: calling it would run nothing"),
        (len, "job 'job' is <built-in function len>: expected a function, def or async def"),
        (int, "job 'job' is <class 'int'>: expected a function"),
        (Caller(), "expected a function, def or async def"),
        (partial(welcome, 5), "expected a function, def or async def"),
        (None, "job 'job' is None: expected a function"),
        ("welcome", "job 'job' is 'welcome': expected a function"),
    ],
)
def test_what_is_no_function_that_runs_is_refused(thing: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        make_job(thing, Kept())
    assert message in str(caught.value)


# -- enqueuing ---------------------------------------------------------------------------------------------------


def test_a_payload_has_its_fields_in_one_order_and_no_time_of_its_queue(job: Job[..., Any], kept: Kept) -> None:
    before_ms = clock.now_ms()
    jid = job.using(queue="mail", timeout=5, tags=["a"]).enqueue(7, locale="de")
    (record,) = kept.records
    created_ms = record.pop("created_at")
    assert before_ms <= created_ms <= clock.now_ms()
    assert list(record.items()) == [
        ("queue", "mail"), ("class", "job"), ("args", [7]), ("kwargs", {"locale": "de"}), ("jid", jid),
        ("retry", True), ("timeout", 5.0), ("tags", ["a"]),
    ]  # fmt: skip


def test_each_enqueue_has_a_jid_of_its_own_and_keywords_are_left_out_when_there_are_none(
    job: Job[..., Any], kept: Kept
) -> None:
    jids = [job.enqueue(1), job.using(queue="low").enqueue(1), asyncio.run(job.aenqueue(1))]
    assert [one["jid"] for one in kept.records] == jids
    assert len(set(jids)) == 3
    assert all("kwargs" not in one for one in kept.records)


def test_a_call_that_does_not_fit_is_refused_before_anything_is_pushed(job: Job[..., Any], kept: Kept) -> None:
    for call in (job.enqueue, job.inline, job.using(queue="low").enqueue):
        with pytest.raises(InvalidArguments):
            call("5")
    with pytest.raises(InvalidArguments):
        asyncio.run(job.aenqueue())
    with pytest.raises(NotJson):
        make_job(lambda x: x, kept).enqueue({1})
    assert kept.requests == []


def test_inline_goes_to_the_push_side_by_the_kind_of_function(job: Job[..., Any], kept: Kept) -> None:
    assert job.inline(1)[0] == "inline"
    assert asyncio.run(make_job(greet, kept).inline(1))[0] == "ainline"
    assert len(kept.requests) == 2


# -- using -------------------------------------------------------------------------------------------------------


def test_using_changes_what_is_given_and_leaves_the_job_as_it_was(kept: Kept) -> None:
    job = make_job(welcome, kept, queue="mail", retry=3, tags=["a"])
    low = job.using(queue="low")
    lower = low.using(retry=False)
    for one in (lower, low, job):
        one.enqueue(1)
    assert [(one["queue"], one["retry"], one["tags"]) for one in kept.records] == [
        ("low", False, ["a"]),
        ("low", 3, ["a"]),
        ("mail", 3, ["a"]),
    ]
    assert job.options.queue == "mail"


def test_using_can_be_kept_and_used_again(job: Job[..., Any], kept: Kept) -> None:
    low = job.using(queue="low")
    assert low.enqueue(1) != low.enqueue(2)
    assert low.enqueue_many([(3,), (4,)])
    assert [one["queue"] for one in kept.records] == ["low"] * 4


@pytest.mark.usefixtures("frozen")
def test_other_options_over_a_delayed_job_keep_its_time_and_another_time_replaces_it(
    job: Job[..., Any], kept: Kept
) -> None:
    delayed = job.using(delay=60)
    for one in (delayed.using(queue="low"), delayed.using(at=NOW), delayed.using(delay=5), job):
        one.enqueue(1)
    assert times(kept) == [NOW_S + 60, NOW_S, NOW_S + 5, None]


def test_none_and_false_are_values_and_not_the_same_as_not_given(kept: Kept) -> None:
    job = make_job(welcome, kept, timeout=5, backtrace=True, display_name="W", log_level="DEBUG")
    job.using(timeout=None, backtrace=False, display_name=None, log_level=None).enqueue(1)
    assert set(kept.records[0]) == {"queue", "class", "args", "jid", "retry", "created_at"}


def test_options_of_editions_go_through_using(kept: Kept) -> None:
    job = make_job(welcome, kept, OptionSpec("tenant", "acme", str), tenant=5)
    job.enqueue(1)
    job.using(tenant=6).enqueue(1)
    assert [one["tenant"] for one in kept.records] == ["5", "6"]


def test_using_refuses_unknown_options_and_wrong_values_at_once(job: Job[..., Any]) -> None:
    with pytest.raises(UnknownOption, match=r"job 'job' has the option 'quue'. Did you mean 'queue'"):
        job.using(quue="low")
    with pytest.raises(InvalidOption, match="retry is 'x'"):
        job.using(retry="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="delay is -5: expected seconds"):
        job.using(delay=-5)
    with pytest.raises(InvalidOption, match="job 'job' has both delay= and at=: give one of them"):
        job.using(delay=5, at=NOW)


# -- times -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, NOW_S),
        (NOW.astimezone(timezone(timedelta(hours=5, minutes=30))), NOW_S),
        (NOW_S, NOW_S),
        (0, 0.0),
        (-5, -5.0),
        (datetime(1969, 12, 31, 23, 59, tzinfo=UTC), -60.0),
    ],
)
def test_a_time_is_an_aware_datetime_or_seconds_since_1970(at: object, expected: float) -> None:
    assert epoch_s(at) == expected
    assert type(epoch_s(at)) is float


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (NOW.replace(tzinfo=None), "which has no time zone: give it one, e.g. datetime.now(UTC)"),
        (True, "at is True: expected an aware datetime, or seconds since 1970"),
        ("2026-01-01", "at is '2026-01-01': expected"),
        (float("nan"), "at is nan: expected"),
        (float("inf"), "at is inf: expected"),
        (NOW_S * 1000, "expected an aware datetime, or seconds since 1970"),
        (NOW.date(), "expected an aware datetime"),
        (timedelta(1), "expected an aware datetime"),
        (10**400, "expected an aware datetime"),
    ],
    ids=lambda value: f"{value!r:.25}",
)
def test_another_time_is_refused_with_what_to_do(job: Job[..., Any], at: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        epoch_s(at)
    assert message in str(caught.value)
    with pytest.raises(InvalidOption):
        job.using(at=at)
    with pytest.raises(InvalidOption):
        job.enqueue_many([(1,)], at=at)


def test_a_delay_counts_from_the_enqueue_and_not_from_using(
    job: Job[..., Any], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = job.using(delay=timedelta(minutes=1))
    for now_s in (1000.0, 2000.0):
        monkeypatch.setattr(clock, "now_s", lambda now_s=now_s: now_s)
        soon.enqueue(1)
    assert times(kept) == [1060.0, 2060.0]


# -- many --------------------------------------------------------------------------------------------------------


def test_many_calls_are_tuples_lists_or_dicts_and_have_one_jid_each(job: Job[..., Any], kept: Kept) -> None:
    jids = job.enqueue_many([(1,), [2], {"user": 3, "locale": "de"}])
    assert jids == [one["jid"] for one in kept.records]
    assert [one["args"] for one in kept.records] == [[1], [2], [3]]
    assert kept.records[2]["kwargs"] == {"locale": "de"}
    assert asyncio.run(job.aenqueue_many([(4,)], batch_size=10)) == [kept.records[3]["jid"]]
    assert kept.batch_sizes == [1000, 10]
    assert job.enqueue_many([]) == []


@pytest.mark.parametrize("calls", [["abc"], [5], [None], {"user": 1}, "ab"], ids=repr)
def test_a_call_that_is_none_is_refused_with_its_number(job: Job[..., Any], calls: Any) -> None:
    with pytest.raises(
        InvalidOption, match=r"call 0 of 'job' is .*: expected a tuple of positional arguments, or a dict"
    ):
        job.enqueue_many(calls)


def test_a_bad_call_far_inside_is_told_by_its_number(job: Job[..., Any]) -> None:
    with pytest.raises(InvalidOption, match="call 7 of 'job' is 'x'"):
        job.enqueue_many([*[(1,)] * 7, "x"])  # type: ignore[list-item]


def test_calls_are_read_lazily(kept: Kept) -> None:
    read: list[int] = []

    def calls() -> Iterator[tuple[int]]:
        for number in range(5):
            read.append(number)
            yield (number,)

    class Slow(Kept):
        def push_many(self, requests: Any, batch_size: int) -> list[str | None]:
            next(requests)
            return [str(len(read))]

    assert make_job(welcome, Slow()).enqueue_many(calls()) == ["1"]


@pytest.mark.parametrize("size", [0, -1, 1001, 1.0, True, None, "5"], ids=repr)
def test_a_batch_has_1_to_1000_jobs(job: Job[..., Any], kept: Kept, size: Any) -> None:
    with pytest.raises(InvalidOption, match=r"batch_size is .*: expected 1 to 1000"):
        job.enqueue_many([(1,)], batch_size=size)
    with pytest.raises(InvalidOption, match=r"batch_size is .*: expected 1 to 1000"):
        asyncio.run(job.aenqueue_many([(1,)], batch_size=size))
    assert kept.requests == []


@pytest.mark.usefixtures("frozen")
def test_many_have_one_time_or_one_each_or_that_of_the_job(job: Job[..., Any], kept: Kept) -> None:
    calls: list[Any] = [(1,), (2,)]
    job.enqueue_many(calls, at=NOW)
    job.enqueue_many(calls, at=[5, NOW])
    job.using(delay=60).enqueue_many(calls)
    job.using(at=7).enqueue_many(calls)
    job.using(at=7).enqueue_many(calls, at=8)
    job.enqueue_many(calls)
    assert times(kept) == [NOW_S, NOW_S, 5, NOW_S, NOW_S + 60, NOW_S + 60, 7, 7, 8, 8, None, None]


def lazily(calls: list[Any]) -> Iterator[Any]:
    yield from calls


@pytest.mark.parametrize("given", [list, tuple, lazily], ids=["list", "tuple", "generator"])
@pytest.mark.parametrize("count", [1, 3])
def test_fewer_or_more_times_than_calls_are_refused(
    job: Job[..., Any], given: Callable[[list[Any]], Any], count: int
) -> None:
    with pytest.raises(InvalidOption, match=r"at= has .* times"):
        job.enqueue_many(given([(1,), (2,)]), at=[5] * count)


@pytest.mark.usefixtures("frozen")
def test_a_spread_lies_at_random_in_the_time_given_but_at_least_in_5_seconds(job: Job[..., Any], kept: Kept) -> None:
    job.enqueue_many([(1,)] * 200, spread=timedelta(minutes=10))
    job.enqueue_many([(1,)] * 200, spread=0.1)
    waits = [(at_s or 0) - NOW_S for at_s in times(kept)]
    assert all(0 <= wait <= 600 for wait in waits[:200])
    assert max(waits[:200]) > 300 > min(waits[:200])
    assert all(0 <= wait <= 5 for wait in waits[200:])
    assert max(waits[200:]) > 2.5
    assert len(set(waits)) == 400


def test_at_and_spread_exclude_each_other_and_a_spread_is_a_duration(job: Job[..., Any], kept: Kept) -> None:
    with pytest.raises(InvalidOption, match="at= and spread= exclude each other: give one of them"):
        job.enqueue_many([(1,)], at=NOW, spread=60)
    with pytest.raises(InvalidOption, match="spread is 'x': expected seconds"):
        job.enqueue_many([(1,)], spread="x")  # type: ignore[arg-type]
    assert kept.requests == []


def test_a_retry_given_with_using_is_the_retry_that_is_written(job: Job[..., Any], kept: Kept) -> None:
    job.using(retry=Retry(max=2, queue="slow")).enqueue(1)
    assert (kept.records[0]["retry"], kept.records[0]["retry_queue"]) == (2, "slow")

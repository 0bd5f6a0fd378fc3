"""Options: checked by name and value, merged, and written to the payload in Sidekiq's names."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider.errors import InvalidName, InvalidOption, JobError, UnknownOption
from offsider.job.options import CORE, JobOptions, OptionSpec, Retry, resolve, seconds, to_wire
from offsider.job.record import dumps, loads
from support.wire import RECORD

SPECS = {spec.name: spec for spec in CORE}


def hook(record: dict[str, Any], error: BaseException) -> None:
    """For jobs that are given up."""


def of(base: JobOptions | None = None, /, **given: Any) -> JobOptions:
    return resolve(base, given, SPECS, job="welcome")


def wire(**given: Any) -> Mapping[str, Any]:
    return to_wire(of(**given))


# -- durations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (30, 30.0), (0.5, 0.5), (timedelta(minutes=2), 120.0)])
def test_a_duration_is_seconds_or_a_timedelta(value: object, expected: float) -> None:
    assert seconds(value, "timeout") == expected
    assert type(seconds(value, "timeout")) is float


@pytest.mark.parametrize(
    "value", [-1, -0.001, timedelta(seconds=-1), math.nan, math.inf, True, "30", None, [30], 10**400], ids=repr
)
def test_another_duration_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(InvalidOption) as caught:
        seconds(value, "timeout")
    assert "timeout is " in str(caught.value)
    assert "expected seconds" in str(caught.value)


# -- values ------------------------------------------------------------------------------------------------------

# option, given, field of `JobOptions`, its value
GOOD: list[tuple[str, Any, str, Any]] = [
    ("queue", "mail.fast:1-2_x", "queue", "mail.fast:1-2_x"),
    ("retry", True, "retry", Retry()),
    ("retry", False, "retry", None),
    ("retry", 3, "retry", Retry(max=3)),
    ("retry", 0, "retry", Retry(max=0)),
    ("retry", Retry(max=8, skip=(ValueError,)), "retry", Retry(max=8, skip=(ValueError,))),
    ("timeout", 30, "timeout_s", 30.0),
    ("timeout", timedelta(minutes=1), "timeout_s", 60.0),
    ("timeout", None, "timeout_s", None),
    ("max_run_s", 30, "max_run_s", 30.0),
    ("max_run_s", timedelta(minutes=1), "max_run_s", 60.0),
    ("max_run_s", None, "max_run_s", None),
    ("result_ttl", 60, "result_ttl_s", 60.0),
    ("result_ttl", timedelta(days=1), "result_ttl_s", 86_400.0),
    ("result_ttl", None, "result_ttl_s", None),
    ("tags", ["a", "ü"], "tags", ("a", "ü")),
    ("tags", (), "tags", ()),
    ("display_name", "Welcome", "display_name", "Welcome"),
    ("display_name", None, "display_name", None),
    ("dead", False, "dead", False),
    ("backtrace", True, "backtrace", True),
    ("backtrace", 20, "backtrace", 20),
    ("log_level", "debug", "log_level", "DEBUG"),
    ("log_level", None, "log_level", None),
    ("on_exhausted", hook, "on_exhausted", hook),
    ("on_exhausted", None, "on_exhausted", None),
    ("transaction", False, "transaction", False),
    ("shard", "eu", "shard", "eu"),
    ("shard", None, "shard", None),
    ("profile", "why-so-slow", "profile", "why-so-slow"),
    ("profile", None, "profile", None),
]
# option, given, the message
WRONG: list[tuple[str, Any, str]] = [
    ("queue", "a b", "'a b' is no queue: expected 1 to 128 letters"),
    ("queue", None, "None is no queue"),
    ("queue", ["a"], "is no queue"),
    ("retry", -1, "retry is -1: expected True, False, a whole number or Retry(…)"),
    ("retry", 2.5, "retry is 2.5: expected True, False, a whole number or Retry(…)"),
    ("retry", "3", "retry is '3': expected"),
    ("retry", None, "retry is None: expected"),
    ("timeout", -1, "timeout is -1: expected seconds"),
    ("result_ttl", 0.5, "result_ttl is 0.5: expected one second to 30 days"),
    ("result_ttl", timedelta(days=31), "expected one second to 30 days"),
    ("result_ttl", "60", "result_ttl is '60': expected seconds"),
    ("timeout", "30", "timeout is '30': expected seconds"),
    ("timeout", math.nan, "timeout is nan: expected seconds"),
    ("max_run_s", "30", "max_run_s is '30': expected seconds"),
    ("max_run_s", 0, "max_run_s is 0: expected more"),
    ("tags", "urgent", "tags is 'urgent': expected a list of texts"),
    ("tags", ["a", 1], "tags is ['a', 1]: expected a list of texts"),
    ("tags", None, "tags is None: expected a list of texts"),
    ("display_name", 5, "display_name is 5: expected a text"),
    ("dead", 1, "dead is 1: expected True or False"),
    ("dead", None, "dead is None: expected True or False"),
    ("backtrace", -1, "backtrace is -1: expected True, False or how many lines to keep"),
    ("backtrace", "all", "backtrace is 'all': expected"),
    ("log_level", "LOUD", "log_level is 'LOUD': expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    ("log_level", 10, "log_level is 10: expected one of"),
    ("profile", "a b", "'a b' is no profile's token: expected 1 to 128 letters"),
    ("transaction", None, "transaction is None: expected True or False"),
    ("shard", "e u", "'e u' is no shard: expected 1 to 128 letters"),
    ("on_exhausted", "alarm", "on_exhausted is 'alarm': expected a function of the record and the error"),
]


@pytest.mark.parametrize(
    "good", GOOD, ids=[f"{name}={'hook' if value is hook else repr(value)[:30]}" for name, value, *_ in GOOD]
)
def test_an_option_takes_what_it_says(good: tuple[str, Any, str, Any]) -> None:
    name, value, field, expected = good
    assert getattr(of(**{name: value}), field) == expected


@pytest.mark.parametrize("wrong", WRONG, ids=[f"{name}={value!r:.30}" for name, value, _ in WRONG])
def test_an_option_refuses_another_value_with_what_it_expects(wrong: tuple[str, Any, str]) -> None:
    name, value, message = wrong
    with pytest.raises((InvalidOption, InvalidName)) as caught:
        of(**{name: value})
    assert message in str(caught.value)


def test_every_option_of_the_core_is_tested_both_ways() -> None:
    assert {one[0] for one in GOOD} == {one[0] for one in WRONG} == set(SPECS)


@pytest.mark.parametrize("value", [-(10**5000), [10**5000]], ids=["number", "list"])
@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_value_that_cannot_be_shown_is_refused_like_any_other(name: str, value: Any) -> None:
    with pytest.raises(JobError, match=name):
        of(**{name: value})


def test_an_unknown_option_is_told_with_the_nearest_and_with_all_by_owner() -> None:
    specs = {**SPECS, "tenant": OptionSpec("tenant", "acme", str)}
    with pytest.raises(UnknownOption) as caught:
        resolve(None, {"quue": "low"}, specs, job="welcome")
    first, second = str(caught.value).splitlines()
    assert first == "job 'welcome' has the option 'quue'. Did you mean 'queue'?"
    assert second.startswith("Options come from: core (queue, retry, timeout, ")
    assert second.endswith("; acme (tenant).")


def test_an_unknown_option_that_is_near_nothing_gets_no_hint() -> None:
    with pytest.raises(UnknownOption, match=r"has the option 'zzzz'\.\n"):
        of(zzzz=1)


# -- merging -----------------------------------------------------------------------------------------------------


def test_without_anything_given_the_options_are_the_defaults() -> None:
    assert of() == JobOptions()
    assert of().queue == "default"
    assert of().retry == Retry(max=25)


def test_options_over_a_base_change_what_is_given_and_leave_the_base_alone() -> None:
    base = of(queue="mail", timeout=5, tags=["a"])
    other = of(base, queue="low", retry=False)
    assert (other.queue, other.retry, other.timeout_s, other.tags) == ("low", None, 5.0, ("a",))
    assert (base.queue, base.retry) == ("mail", Retry())
    assert of(base) is base


def test_options_of_editions_are_merged_one_by_one() -> None:
    specs = {**SPECS, **{name: OptionSpec(name, "acme", lambda value: value * 2) for name in ("a", "b")}}
    base = resolve(None, {"a": 1, "b": 2}, specs, job="welcome")
    other = resolve(base, {"b": 5}, specs, job="welcome")
    assert base.extra == {"a": 2, "b": 4}
    assert other.extra == {"a": 2, "b": 10}
    assert to_wire(other) == {"retry": True, "a": 2, "b": 10}


def test_options_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        of().queue = "low"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Retry().max = 3  # type: ignore[misc]


# -- retry -------------------------------------------------------------------------------------------------------

WRONG_RETRY: list[tuple[dict[str, Any], str]] = [
    ({"max": -1}, "Retry(max=-1): expected a whole number, 0 or more"),
    ({"max": True}, "Retry(max=True): expected a whole number"),
    ({"max": 2.0}, "Retry(max=2.0): expected a whole number"),
    ({"max": None}, "Retry(max=None): expected a whole number"),
    ({"for_": -1}, "Retry(for_=…) is -1: expected seconds"),
    ({"for_": "1 day"}, "Retry(for_=…) is '1 day': expected seconds"),
    ({"for_": timedelta.max}, "for_="),
    ({"delay": -5}, "Retry(delay=…) is -5: expected seconds"),
    ({"delay": "soon"}, "Retry(delay=…) is 'soon': expected seconds"),
    ({"queue": "a b"}, "'a b' is no queue"),
    ({"skip": ("ValueError",)}, "skip"),
    ({"skip": [ValueError, 5]}, "skip"),
    ({"discard": (KeyError, None)}, "discard"),
]


@pytest.mark.parametrize(("given", "message"), WRONG_RETRY, ids=[f"{one[0]}" for one in WRONG_RETRY])
def test_a_retry_refuses_what_it_could_not_do(given: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidOption, InvalidName)) as caught:
        Retry(**given)
    assert message in str(caught.value)


def test_a_retry_takes_everything_it_says() -> None:
    def delay(attempt: int, error: BaseException) -> float:
        return attempt * 10

    retry = Retry(max=3, for_=timedelta(days=1), delay=delay, skip=(ValueError,), discard=(KeyError,), queue="low")
    assert (retry.max, retry.delay, retry.queue) == (3, delay, "low")
    assert Retry(delay=timedelta(seconds=5)).delay == timedelta(seconds=5)


# -- on the wire -------------------------------------------------------------------------------------------------


def test_a_default_is_left_out_but_retry() -> None:
    assert wire() == {"retry": True}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"retry": False}, {"retry": False}),
        ({"retry": 3}, {"retry": 3}),
        ({"retry": 0}, {"retry": 0}),
        ({"retry": Retry()}, {"retry": 25}),
        ({"retry": Retry(queue="low")}, {"retry": 25, "retry_queue": "low"}),
        ({"retry": Retry(for_=timedelta(hours=1))}, {"retry": 25, "retry_for": 3600}),
        ({"timeout": 30}, {"retry": True, "timeout": 30.0}),
        ({"max_run_s": 30}, {"retry": True, "max_run_s": 30.0}),
        ({"tags": ["a", "b"]}, {"retry": True, "tags": ["a", "b"]}),
        ({"display_name": "Welcome"}, {"retry": True, "display_class": "Welcome"}),
        ({"dead": False}, {"retry": True, "dead": False}),
        ({"backtrace": 20}, {"retry": True, "backtrace": 20}),
        ({"backtrace": True}, {"retry": True, "backtrace": True}),
        ({"log_level": "debug"}, {"retry": True, "log_level": "DEBUG"}),
        ({"on_exhausted": hook}, {"retry": True}),
        ({"queue": "low"}, {"retry": True}),
    ],
    ids=lambda one: "hook" if "on_exhausted" in one else str(one),
)
def test_an_option_is_written_in_sidekiqs_names(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert wire(**given) == expected


def test_the_option_spec_of_an_edition_decides_what_is_written() -> None:
    specs = {**SPECS, "expires_in": OptionSpec("expires_in", "acme", lambda value: seconds(value, "expires_in"))}
    options = resolve(None, {"expires_in": timedelta(minutes=1)}, specs, job="welcome")
    assert to_wire(options) == {"retry": True, "expires_in": 60.0}


@settings(max_examples=50, deadline=None, database=None)
@given(
    st.floats(0, allow_nan=False, allow_infinity=False) | st.integers(0) | st.timedeltas(),
    st.booleans() | st.integers(0) | st.tuples(st.integers(0, 10**9), st.floats(0, 1e12)),
    st.booleans() | st.integers(0),
)
def test_what_an_option_accepts_the_worker_accepts(timeout: Any, retry: Any, backtrace: Any) -> None:
    try:
        given_retry = Retry(retry[0], retry[1]) if isinstance(retry, tuple) else retry
        options = of(timeout=timeout, retry=given_retry, backtrace=backtrace)
    except InvalidOption:
        return
    record = {**RECORD, **to_wire(options)}
    assert loads(dumps(record)) == record


@pytest.mark.parametrize("value", [("a",), uuid.UUID(int=1), {1: 2}, float("nan")], ids=repr)
def test_an_option_of_an_edition_that_json_cannot_carry_is_refused_where_it_is_given(value: Any) -> None:
    specs = {**SPECS, "tenant": OptionSpec("tenant", "acme", lambda given: given)}
    with pytest.raises(JobError, match="tenant"):
        resolve(None, {"tenant": value}, specs, job="welcome")


@pytest.mark.parametrize(
    "timeout", [1.1e9, 1e10, 1e300, timedelta.max], ids=["35 years", "300 years", "300 digits", "the longest"]
)
def test_a_timeout_that_a_worker_would_refuse_is_refused_at_once(timeout: Any) -> None:
    with pytest.raises(InvalidOption, match="timeout"):
        of(timeout=timeout)


def test_an_option_about_the_job_is_in_no_payload_and_for_no_single_call() -> None:
    specs = {**SPECS, "shift": OptionSpec("shift", "acme", lambda value: {value}, wire=False)}
    options = resolve(None, {"shift": "night", "queue": "mail"}, specs, job="welcome")
    assert options.local == {"shift": {"night"}}, "any value will do"
    assert "shift" not in to_wire(options)
    assert resolve(options, {"queue": "low"}, specs, job="welcome").local == options.local
    told = r"job 'welcome' has the option 'shift' for one call: it belongs to @app\.job"
    with pytest.raises(InvalidOption, match=told):
        resolve(options, {"shift": "day"}, specs, job="welcome")

"""Checks of plain annotations: they say what pydantic would say, and the quick look says what they say."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Literal, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from offsider.errors import InvalidArguments
from offsider.job.args import Arguments
from offsider.job.checks import head_of, inner_check, plain_check
from support.wire import taking

thorough = settings(max_examples=150, deadline=None, database=None)

heads = st.sampled_from([str, int, bool, float, list, dict, None, Any, object])
plain = st.recursive(
    heads,
    lambda inner: (
        inner.map(lambda one: list[one])  # type: ignore[valid-type]
        | inner.map(lambda one: dict[str, one])  # type: ignore[valid-type]
        | st.tuples(inner, heads).map(lambda both: Union[both])  # noqa: UP007 - None | None is none
    ),
    max_leaves=3,
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["", "a", "5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def takes(hint: Any, value: Any) -> bool:
    """What pydantic says, strictly."""
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@thorough
@given(plain, values | st.just((1,)) | st.just({1}) | st.just({1: 2}) | st.just(b"a"))
def test_a_plain_check_says_what_pydantic_says(hint: Any, value: Any) -> None:
    check = plain_check(hint)
    assert check is not None
    assert check(value) is takes(hint, value)


@thorough
@given(plain, values)
def test_the_quick_look_at_a_usual_payload_says_what_the_whole_look_says(hint: Any, value: Any) -> None:
    arguments = Arguments(taking(hint), "job")

    def accepts(args: list[Any], kwargs: dict[str, Any]) -> bool:
        try:
            arguments.decode(args, kwargs)
        except InvalidArguments:
            return False
        return True

    assert accepts([value], {}) is accepts([], {"a": value})


@pytest.mark.parametrize(
    "hint",
    [uuid.UUID, date, tuple, set[int], Literal["a"], list[date], dict[str, date], dict[int, str], int | date, bytes],
    ids=str,
)
def test_what_json_does_not_know_has_no_plain_check(hint: Any) -> None:
    assert plain_check(hint) is None


@pytest.mark.parametrize(
    ("hint", "head"),
    [(int, int), (None, type(None)), (list[int], list), (dict[str, Any], dict), (float, None), (int | str, None)],
    ids=str,
)
def test_the_head_is_the_one_type_that_every_value_has(hint: Any, head: type | None) -> None:
    assert head_of(hint) is head


@pytest.mark.parametrize("hint", [int, list, dict, list[Any], dict[str, object]], ids=str)
def test_what_holds_anything_needs_no_look_inside(hint: Any) -> None:
    assert inner_check(hint) is None

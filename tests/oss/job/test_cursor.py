"""A cursor in JSON and back: what fits the annotation, what does not, and what is too much."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Optional
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider.errors import InvalidArguments, NotJson
from offsider.job.cursor import MOST_LETTERS, CursorCodec


@dataclass
class Place:
    """Where we are."""

    page: int
    row: Decimal


RESTORED: list[tuple[Any, Any]] = [
    (int | None, 7),
    (int | None, None),
    (int, 2**70),
    (str, "é\ud800"),
    (bool, True),
    (float, 0.5),
    (list[int], [1, 2]),
    (dict[str, int], {"a": 1}),
    (Any, {"a": [1, None]}),
    (Optional[UUID], UUID(int=7)),  # noqa: UP045 - people write it
    (datetime, datetime(2027, 1, 31, 12, tzinfo=UTC)),
    (tuple[date, int] | None, (date(2027, 1, 31), 7)),
    (Place, Place(1, Decimal("2.50"))),
    (bytes, b"\x00\xff"),
]


@pytest.mark.parametrize(("hint", "value"), RESTORED, ids=str)
def test_a_cursor_comes_back_as_itself(hint: Any, value: Any) -> None:
    codec = CursorCodec(hint, "walk")
    text = codec.encode(value)
    json.loads(text)
    found = codec.decode(text)
    assert (found, type(found)) == (value, type(value))


@settings(deadline=None, database=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_any_json_is_a_cursor_where_nothing_is_annotated(value: Any) -> None:
    codec = CursorCodec(Any, "walk")
    assert codec.decode(codec.encode(value)) == value


WRONG: list[tuple[Any, Any, type[Exception], str]] = [
    (int | None, "7", InvalidArguments, "job 'walk' yields '7' (str); expected int | None"),
    (int, True, InvalidArguments, "job 'walk' yields True (bool); expected int, as its parameter cursor is annotated"),
    (UUID, "x", InvalidArguments, "job 'walk': cursor is 'x'"),
    (Any, (1, 2), NotJson, "cursor is (1, 2) (tuple), which JSON cannot carry"),
    (Any, float("nan"), NotJson, "cursor is nan"),
    (Any, "x" * MOST_LETTERS, NotJson, "yields a cursor of 64,002 letters; the most is 64,000"),
]


@pytest.mark.parametrize(("hint", "value", "error", "message"), WRONG, ids=lambda one: str(one)[:20])
def test_what_does_not_fit_is_refused_where_it_is_yielded(
    hint: Any, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        CursorCodec(hint, "walk").encode(value)
    assert message in str(caught.value)


@pytest.mark.parametrize("hint", [int | None, UUID], ids=str)
@pytest.mark.parametrize("text", ["{", '"x"', "[1]", "1.5", "", "[" * 100_000])
def test_what_does_not_fit_the_code_any_more_is_told(hint: Any, text: str) -> None:
    with pytest.raises(InvalidArguments, match="job 'walk': "):
        CursorCodec(hint, "walk").decode(text)


def test_what_is_written_does_not_change_with_the_object() -> None:
    place = {"row": 1}
    text = CursorCodec(dict[str, int], "walk").encode(place)
    place["row"] = 2
    assert text == '{"row":1}'

"""Return values as JSON and back: by the annotation, without what is no result."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from offsider import Cancel, Snooze
from offsider.errors import InvalidArguments, NotJson, PayloadTooLarge
from offsider.job.result import Returned, kept, read


def due() -> date | None: ...
def maybe() -> Snooze | Cancel | Decimal: ...
def outcome() -> Snooze | Cancel | None: ...
def plain() -> dict[str, int]: ...


@pytest.mark.parametrize(
    ("fn", "value"),
    [(due, date(2027, 1, 31)), (due, None), (maybe, Decimal("1.50")), (outcome, None), (plain, {"a": 1})],
)
def test_a_value_comes_back(fn: Any, value: Any) -> None:
    returned = Returned(fn, "job")
    assert returned.decode(returned.encode(value)) == value


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="return is"):
        Returned(due, "job").encode("tomorrow")
    with pytest.raises(NotJson, match="return"):
        Returned(plain, "job").encode({1: 2})
    with pytest.raises(InvalidArguments, match="return"):
        Returned(due, "job").decode("tomorrow")


def test_a_result_is_read_or_is_none() -> None:
    assert read(kept("done", "job", 5, value=1)) == {"state": "done", "class": "job", "at": 5, "value": 1}
    assert read(b'{"state":"done","class":"job","at":"5"}') is None
    with pytest.raises(PayloadTooLarge):
        kept("done", "job", 5, value="x" * 1_000_000)

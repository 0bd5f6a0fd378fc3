"""What is sealed is named in the record, and masked wherever it may be shown, whatever the record says."""

from __future__ import annotations

from typing import Any

import pytest

from offsider.job.sealing import MASK, is_sealed, mark, masked, shown, shown_args, shown_kwargs, unmark


def test_all_arguments_or_some_are_masked() -> None:
    assert shown_args({"args": ["x", 7], "sealed": {"args": True}}) == [MASK, MASK]
    assert shown_args({"args": ["x", 7], "sealed": {"args": [0]}}) == [MASK, 7]
    assert shown_kwargs({"kwargs": {"a": "x", "b": 7}, "sealed": {"kwargs": ["a"]}}) == {"a": MASK, "b": 7}
    assert shown_args({"args": ["x", 7]}) == ["x", 7]


@pytest.mark.parametrize("sealed", [None, [], "yes", 7, {}, {"args": []}, {"other": True}], ids=repr)
def test_a_record_that_does_not_say_so_is_shown(sealed: Any) -> None:
    record = {"args": ["x"], "kwargs": {"a": 1}, "error_message": "no", "sealed": sealed}
    assert shown_args(record) == ["x"]
    assert shown_kwargs(record) == {"a": 1}
    assert shown(record, "error_message") == "no"


@pytest.mark.parametrize("what", [True, 7, "all", {"0": 1}], ids=repr)
def test_what_cannot_be_understood_hides_all(what: Any) -> None:
    record = {"args": ["x"], "kwargs": {"a": 1}, "sealed": {"args": what, "kwargs": what}}
    assert shown_args(record) == [MASK]
    assert shown_kwargs(record) == {"a": MASK}


def test_a_whole_record_is_masked_field_by_field() -> None:
    record = {"args": ["x", 7], "jid": "j", "error_message": "x", "sealed": {"args": [0], "error_message": True}}
    seen = masked(record)
    assert seen == {**record, "args": [MASK, 7], "error_message": MASK}
    assert record["args"] == ["x", 7]
    plain = {"args": [1]}
    assert masked(plain) is plain


def test_marks_come_and_go_without_changing_what_is_shared() -> None:
    shared = {"args": True}
    record: dict[str, Any] = {"sealed": shared}
    mark(record, "error_message")
    assert is_sealed(record, "error_message")
    unmark(record, "error_message", "error_backtrace")
    assert record["sealed"] == shared == {"args": True}
    unmark({}, "error_message")

"""Annotated types by pydantic: strict both ways, bytes as base64, and every error one of ours."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pydantic import BaseModel

from offsider.errors import InvalidArguments
from offsider.job.typed import MOST_PROBLEMS, TypedValues
from support.shapes import Address, Line
from support.wire import sent, taking, through


@pytest.fixture
def values() -> TypedValues:
    """The typed values of one job."""
    return TypedValues("job")


@pytest.mark.parametrize("value", [b"", b"text", b"\xff\x00", bytes(range(256))], ids=["none", "text", "two", "all"])
@pytest.mark.parametrize(
    ("annotation", "wrap"),
    [(bytes, lambda one: one), (list[bytes], lambda one: [one]), (bytes | None, lambda one: one)],
    ids=["bytes", "list", "optional"],
)
def test_any_bytes_come_back(annotation: Any, wrap: Any, value: bytes) -> None:
    assert through(taking(annotation), wrap(value)) == wrap(value)


def test_bytes_travel_as_base64() -> None:
    assert sent(taking(bytes), b"\xff\xfe\xfd")["args"] == ["__79"]


class Upload(BaseModel):
    data: bytes


def test_bytes_of_a_model_are_as_the_model_says_and_what_it_cannot_write_is_refused(values: TypedValues) -> None:
    assert through(taking(Upload), Upload(data=b"text")) == Upload(data=b"text")
    with pytest.raises(InvalidArguments, match="job 'job': a cannot be written as JSON"):
        values.to_json("a", Upload, Upload(data=b"\xff"), "a")


def test_a_message_has_a_few_problems_with_their_paths_and_no_more(values: TypedValues) -> None:
    lines = [{"sku": 1, "quantity": "5"}, {"sku": "a"}, {}, {}, {}]
    with pytest.raises(InvalidArguments) as caught:
        values.from_json("a", list[Line], lines, "a")
    problems = str(caught.value).removeprefix("job 'job': ").split("; ")
    assert problems[:3] == [
        "a[0].sku is 1: Input should be a valid string",
        "a[0].quantity is '5': Input should be a valid integer",
        "a[1].quantity is {'sku': 'a'}: Field required",
    ]
    assert len(problems) == MOST_PROBLEMS


def test_parameters_of_one_job_do_not_get_in_each_others_way(values: TypedValues) -> None:
    home = Address(street="x", number=1)
    number = uuid.UUID(int=1)
    for _ in range(2):
        assert values.from_json("a", Address, values.to_json("a", Address, home, "a"), "a") == home
        assert values.from_json("b", uuid.UUID, values.to_json("b", uuid.UUID, number, "b"), "b") == number


class Stranger:
    """Nobody can make one from JSON."""


def test_an_annotation_that_cannot_be_restored_is_told_with_job_and_parameter(values: TypedValues) -> None:
    for use in (values.to_json, values.from_json):
        with pytest.raises(InvalidArguments) as caught:
            use("a", Stranger, {}, "a")
        text = str(caught.value)
        assert text.startswith("job 'job': a is annotated with <class ")
        assert "Stranger'>, which cannot be written as JSON and restored (" in text
        assert text.endswith("Use plain types, dataclasses or pydantic models")

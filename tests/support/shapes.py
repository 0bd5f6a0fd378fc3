"""Types that jobs are annotated with, and values of them: for tests of what comes back from a payload."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

from pydantic import BaseModel, Field

SOME = uuid.UUID("12345678-1234-4678-9234-567812345678")
NOON = datetime(2026, 3, 29, 12, 30, 1, 250, UTC)


class Colour(Enum):
    RED = "red"
    TWO = 2


class Level(IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: float


@dataclass
class Line:
    sku: str
    quantity: int
    price: Decimal = Decimal("0.10")


@dataclass(frozen=True)
class Basket:
    lines: list[Line] = field(default_factory=list)
    colour: Colour | None = None


class Address(BaseModel):
    street: str
    number: int


class Order(BaseModel):
    id: uuid.UUID
    at: datetime
    total: Decimal
    address: Address | None = None
    lines: tuple[Line, ...] = ()
    weights: dict[str, float] = {}


LINE = Line("a-1", 3)
ORDER = Order(id=SOME, at=NOON, total=Decimal("19.90"), address=Address(street="Ä 1", number=5), lines=(LINE,))

# Name → annotation and a value of it.
SHAPES: dict[str, tuple[Any, Any]] = {
    "str": (str, "é 😀 \n \u2028"),
    "int": (int, -(2**70)),
    "bool": (bool, False),
    "None": (None, None),
    "float": (float, 0.1),
    "list": (list, [1, "x", [None]]),
    "dict": (dict, {"a": {"b": [1.5]}}),
    "anything": (Any, {"a": [1, None, "x"]}),
    "object": (object, [1, {"a": 2}]),
    "list[int]": (list[int], [1, 2]),
    "list[list[str]]": (list[list[str]], [["a"], []]),
    "dict[str, int]": (dict[str, int], {"a": 1}),
    "dict[str, list[float | None]]": (dict[str, list[float | None]], {"a": [1.5, None]}),
    "int | str": (int | str, "5"),
    "Optional[int]": (Optional[int], None),  # noqa: UP045 - as people write it
    "Union[str, list[int]]": (Union[str, list[int]], [5]),  # noqa: UP007
    "UUID": (uuid.UUID, SOME),
    "UUID | None": (uuid.UUID | None, SOME),
    "None of UUID | None": (uuid.UUID | None, None),
    "int | UUID, an int": (int | uuid.UUID, 5),
    "int | UUID, a UUID": (int | uuid.UUID, SOME),
    "datetime": (datetime, NOON),
    "datetime of a zone": (datetime, datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))),
    "naive datetime": (datetime, datetime(2026, 1, 1, 9)),  # noqa: DTZ001 - that is the case
    "date": (date, date(2024, 2, 29)),
    "time": (time, time(23, 59, 59, 999_999)),
    "timedelta": (timedelta, timedelta(days=-3, microseconds=1)),
    "Decimal": (Decimal, Decimal("1.10")),
    "Enum of text": (Colour, Colour.RED),
    "Enum of a number": (Colour, Colour.TWO),
    "IntEnum": (Level, Level.LOW),
    "Literal": (Literal["a", 1, True], "a"),
    "tuple[int, str]": (tuple[int, str], (1, "a")),
    "tuple[UUID, ...]": (tuple[uuid.UUID, ...], (SOME, SOME)),
    "tuple of nothing": (tuple[int, ...], ()),
    "set[int]": (set[int], {3, 1, 2}),
    "set[UUID]": (set[uuid.UUID], {SOME}),
    "frozenset[str]": (frozenset[str], frozenset({"a", "b"})),
    "bytes": (bytes, b"text as bytes"),
    "NamedTuple": (Point, Point(1, 2.5)),
    "dataclass": (Line, LINE),
    "frozen dataclass": (Basket, Basket([LINE], Colour.RED)),
    "model": (Order, ORDER),
    "list of models": (list[Order], [ORDER, ORDER]),
    "list[datetime]": (list[datetime], [NOON]),
    "dict[str, model]": (dict[str, Address], {"home": Address(street="x", number=1)}),
    "dict[int, str]": (dict[int, str], {1: "a", -2: "b"}),
    "dict[UUID, date]": (dict[uuid.UUID, date], {SOME: date(2026, 1, 1)}),
    "Sequence[date]": (Sequence[date], [date(2026, 1, 1)]),
    "path": (PurePosixPath, PurePosixPath("/a/b")),
    "Annotated": (Annotated[int, Field(ge=5)], 5),
}

# Name → annotation, a value a caller may not give, and a JSON value a worker may not take; None where there is none.
MISFITS: dict[str, tuple[Any, Any, Any]] = {
    "'5' is not 5": (int, "5", "5"),
    "True is not 1": (int, True, True),
    "1.0 is not 1": (int, 1.0, 1.0),
    "1 is not True": (bool, 1, 1),
    "5 is not '5'": (str, 5, 5),
    "'1.5' is not 1.5": (float, "1.5", "1.5"),
    "True is no float": (float, True, True),
    "None is no int": (int, None, None),
    "nothing but None is None": (None, 0, 0),
    "a tuple is no list": (list, (1,), {"a": 1}),
    "a list is no dict": (dict, [], []),
    "'5' is not 5 in a list": (list[int], [1, "5"], [1, "5"]),
    "True is not 1 in a list": (list[int], [True], [True]),
    "'5' is not 5 in a list of lists": (list[list[int]], [[1], ["5"]], [[1], ["5"]]),
    "'5' is not 5 in a dict": (dict[str, int], {"a": "5"}, {"a": "5"}),
    "'5' is no int or None": (int | None, "5", "5"),
    "5 is no str or None": (str | None, 5, 5),
    "a text is no UUID for a caller": (uuid.UUID, str(SOME), "12345"),
    "5 is no UUID": (uuid.UUID, 5, 5),
    "a text is no datetime for a caller": (datetime, "2026-01-01T00:00:00Z", "yesterday"),
    "a datetime is no date": (date, NOON, "2026-01-01T12:00:00"),
    "seconds are no timedelta": (timedelta, 60, "a minute"),
    "a float is no Decimal": (Decimal, 0.1, "one"),
    "NaN is no Decimal": (Decimal, Decimal("NaN"), "NaN"),
    "a value is no Enum for a caller": (Colour, "red", "blue"),
    "a number is no Enum of text": (Colour, 7, "2"),
    "no such literal": (Literal["a", 1], "b", "1"),
    "a list is no tuple for a caller": (tuple[int, str], [1, "a"], ["1", "a"]),
    "a tuple of three is no pair": (tuple[int, str], (1, "a", 2), [1, "a", 2]),
    "a list is no set for a caller": (set[int], [1], ["1"]),
    "a dict is no dataclass for a caller": (Line, {"sku": "a", "quantity": 1}, {"sku": "a"}),
    "'5' is not 5 in a dataclass": (Line, Line("a", "5"), {"sku": "a", "quantity": "5"}),  # type: ignore[arg-type]
    "'5' is not 5 in a list in a dataclass": (
        Basket,
        Basket([Line("a", "5")]),  # type: ignore[arg-type]
        {"lines": [{"sku": "a", "quantity": "5"}]},
    ),
    "'5' is not 5 in a model": (
        Address,
        Address.model_construct(street="a", number="5"),
        {"street": "a", "number": "5"},
    ),
    "'5' is not 5 in a model in a list": (
        list[Address],
        [Address.model_construct(street="a", number="5")],
        [{"street": "a", "number": "5"}],
    ),
    "a model lacks a field": (Address, {"street": "a"}, {"street": "a"}),
    "out of bounds": (Annotated[int, Field(ge=5)], 4, 4),
}

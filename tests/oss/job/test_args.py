"""Arguments: checked and written as JSON at the caller, restored to their types at the worker."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider.errors import InvalidArguments, NotJson
from offsider.job.args import Arguments
from support.shapes import LINE, MISFITS, NOON, SHAPES, SOME, Address, Basket, Line, Order
from support.wire import run, sent, taking, through

quick = settings(max_examples=25, deadline=None, database=None)


def refused(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What the caller is told."""
    with pytest.raises(InvalidArguments) as caught:
        Arguments(fn, "job").encode(args, kwargs)
    return str(caught.value)


def unfit(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What is told of a payload at the worker."""
    with pytest.raises(InvalidArguments) as caught:
        Arguments(fn, "job").decode(list(args), kwargs)
    return str(caught.value)


# -- types -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("annotation", "value"), SHAPES.values(), ids=SHAPES)
def test_a_value_comes_back_as_the_annotated_type(annotation: Any, value: Any) -> None:
    back = through(taking(annotation), value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(("annotation", "value"), SHAPES.values(), ids=SHAPES)
def test_a_value_comes_back_beside_others_and_by_keyword(annotation: Any, value: Any) -> None:
    assert through(taking(int, annotation), 1, value) == (1, value)
    assert through(taking(annotation, uuid.UUID), b=SOME, a=value) == (value, SOME)


@pytest.mark.parametrize(("annotation", "value"), [one[:2] for one in MISFITS.values()], ids=MISFITS)
def test_a_value_that_does_not_fit_is_refused_at_the_caller(annotation: Any, value: Any) -> None:
    text = refused(taking(annotation), value)
    assert text.startswith("job 'job': a")
    assert refused(taking(int, annotation), 1, b=value).startswith("job 'job': b")


@pytest.mark.parametrize(
    ("annotation", "value"), [(kind, value) for kind, _caller, value in MISFITS.values()], ids=MISFITS
)
def test_a_payload_that_does_not_fit_is_refused_at_the_worker(annotation: Any, value: Any) -> None:
    assert unfit(taking(annotation), value).startswith("job 'job': a")
    assert unfit(taking(int, annotation), 1, b=value).startswith("job 'job': b")


@quick
@given(st.datetimes(timezones=st.just(UTC) | st.none()) | st.datetimes().map(lambda one: one.replace(tzinfo=EAST)))
def test_every_datetime_comes_back(value: datetime) -> None:
    back = through(taking(datetime), value)
    assert back == value
    assert back.utcoffset() == value.utcoffset()


EAST = timezone(timedelta(hours=5, minutes=45))


@quick
@given(st.timedeltas(), st.decimals(allow_nan=False, allow_infinity=False))
def test_every_timedelta_and_every_decimal_comes_back(delta: timedelta, decimal: Decimal) -> None:
    assert through(taking(timedelta), delta) == delta
    assert through(taking(Decimal), decimal).as_tuple() == decimal.as_tuple()


@quick
@given(st.builds(Basket, st.lists(st.builds(Line, st.text(st.characters(exclude_categories=["Cs"]))))), st.uuids())
def test_every_dataclass_and_every_uuid_comes_back(basket: Basket, number: uuid.UUID) -> None:
    assert through(taking(Basket, uuid.UUID), basket, number) == (basket, number)


def test_plain_annotations_need_no_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(a: int, b: list[str] | None = None, *, c: dict[str, Any], d: Any = None) -> Any:
        return a, b, c, d

    monkeypatch.setitem(sys.modules, "pydantic", None)
    monkeypatch.setitem(sys.modules, "pydantic_core", None)
    assert through(body, 1, ["x"], c={"y": 2.5}) == (1, ["x"], {"y": 2.5}, None)


# -- strict JSON -------------------------------------------------------------------------------------------------

STRANGE: dict[str, tuple[Any, Any, str]] = {
    "tuple": (Any, [0, {"lines": [1, 2, 3, (4,)]}], "a[1].lines[3]"),
    "set": (list[Any], [{1}], "a[0]"),
    "bytes": (dict[str, Any], {"x": {"y": b"z"}}, "a.x.y"),
    "NaN": (float, float("nan"), "a"),
    "infinity": (list[float], [1.0, float("inf")], "a[1]"),
    "NaN of anything": (object, {"x": float("nan")}, "a.x"),
    "a key": (dict, {1: 2}, "a"),
    "a key inside": (Any, [{"x": {None: 1}}], "a[0].x"),
    "a UUID": (Any, SOME, "a"),
    "a dataclass": (list, [LINE], "a[0]"),
    "a long number": (Any, [10**5000], "a[0]"),
}


@pytest.mark.parametrize(("annotation", "value", "path"), STRANGE.values(), ids=STRANGE)
def test_what_no_annotation_restores_must_be_json(annotation: Any, value: Any, path: str) -> None:
    with pytest.raises(NotJson) as caught:
        Arguments(taking(annotation), "job").encode([value], {})
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path} ")


@pytest.mark.parametrize("value", [float("nan"), float("-inf")], ids=str)
def test_nan_inside_a_model_is_refused_with_its_path(value: float) -> None:
    order = Order(id=SOME, at=NOON, total=Decimal(1), weights={"kg": value})
    with pytest.raises((NotJson, InvalidArguments), match=r"weights\.kg"):
        sent(taking(Order), order)


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(NotJson, match=r"a is \(1, 2\) \(tuple\).* Annotate the parameter .*, or pass text, numbers"):
        sent(taking(Any), (1, 2))


# -- the call ----------------------------------------------------------------------------------------------------


def body(first: int, second: str = "two", *rest: int, flag: bool = False, **named: uuid.UUID) -> Any:
    return first, second, rest, flag, named


def plain(first: int, second: str = "two", *rest: int, flag: bool = False, **named: int) -> Any:
    return first, second, rest, flag, named


def test_only_what_the_caller_gives_is_on_the_wire_and_defaults_are_the_workers() -> None:
    assert sent(body, 1)["args"] == [1]
    assert "kwargs" not in sent(body, 1)
    assert through(body, 1) == (1, "two", (), False, {})


def test_positional_keyword_and_variadic_arguments_all_arrive() -> None:
    expected = (1, "b", (3, 4), True, {"x": SOME})
    assert through(body, 1, "b", 3, 4, flag=True, x=SOME) == expected
    payload = sent(body, 1, "b", 3, 4, flag=True, x=SOME)
    assert payload["args"] == [1, "b", 3, 4]
    assert payload["kwargs"] == {"flag": True, "x": str(SOME)}
    assert through(body, second="b", first=1) == (1, "b", (), False, {})
    assert through(plain, 1, "b", 3, flag=True, x=7) == (1, "b", (3,), True, {"x": 7})


def test_an_argument_by_name_after_a_left_out_default_stays_by_name() -> None:
    def three(a: int = 1, b: int = 2, c: date | None = None) -> Any:
        return a, b, c

    payload = sent(three, c=date(2026, 1, 1))
    assert (payload["args"], payload["kwargs"]) == ([], {"c": "2026-01-01"})
    assert run(three, payload) == (1, 2, date(2026, 1, 1))


@pytest.mark.parametrize("fn", [body, plain])
def test_a_call_that_does_not_fit_is_refused_with_the_signature(fn: Callable[..., Any]) -> None:
    assert "job job(first: " in refused(fn)
    assert "missing a required argument: 'first'" in refused(fn)
    assert "multiple values for argument 'first'" in refused(fn, 1, first=2)
    assert "too many positional arguments" in refused(taking(int), 1, 2)
    assert "unexpected keyword argument 'c'" in refused(taking(int), 1, c=2)


@pytest.mark.parametrize("fn", [body, plain])
def test_a_payload_that_does_not_fit_is_refused_with_the_signature(fn: Callable[..., Any]) -> None:
    assert "the payload lacks first" in unfit(fn)
    assert "job job(first: " in unfit(fn)
    assert "the payload has an argument 'first'" in unfit(fn, 1, first=2)


def test_arguments_that_the_worker_does_not_know_are_named() -> None:
    def two(a: int, b: int, *, c: int) -> None:
        """Of another release."""

    assert "the payload lacks b, c" in unfit(two, 1)
    assert "the payload lacks c" in unfit(two, 1, 2)
    assert "the payload has 3 positional arguments" in unfit(two, 1, 2, 3, c=4)
    assert "the payload has an argument 'd'" in unfit(two, 1, 2, c=3, d=4)


def test_the_message_of_a_misfit_has_job_path_value_type_and_what_is_expected() -> None:
    assert refused(taking(int), "5") == "job 'job': a is '5' (str); expected int"
    assert unfit(taking(list[int]), ["5"]) == "job 'job': a is ['5'] (list); expected list[int]"
    assert unfit(taking(Address), {"street": "x", "number": "5"}).startswith("job 'job': a.number is '5': ")
    assert unfit(taking(list[Line]), [{"sku": "a", "quantity": 1}, {}]).startswith("job 'job': a[1].sku is {}: ")
    assert refused(taking(uuid.UUID), "x" * 500).count("x") < 100


@pytest.mark.parametrize("fn", [body, plain])
def test_the_path_of_variadic_arguments_is_their_place_or_name(fn: Callable[..., Any]) -> None:
    assert "rest[1] is 'x'" in refused(fn, 1, "b", 3, "x")
    assert "rest[1] is 'x'" in unfit(fn, 1, "b", 3, "x")
    assert "job 'job': key is True" in refused(fn, 1, key=True)
    assert "job 'job': key is True" in unfit(fn, 1, key=True)


def test_keywords_may_have_the_names_of_positional_and_variadic_parameters() -> None:
    def awkward(a: int, /, *rest: int, **named: str) -> Any:
        return a, rest, named

    assert through(awkward, 1, rest="x") == (1, (), {"rest": "x"})
    assert through(awkward, 1, 2, a="y", named="z") == (1, (2,), {"a": "y", "named": "z"})


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [10**5000, deep(100_000), Unshowable(), [10**5000]], ids=["long", "deep", "bad", "in"]
)
@pytest.mark.parametrize("annotation", [str, uuid.UUID], ids=["plain", "typed"])
def test_a_value_that_cannot_be_shown_is_refused_like_any_other(annotation: Any, value: Any) -> None:
    assert "job 'job': a" in refused(taking(annotation), value)


# -- the short way of usual calls -------------------------------------------------------------------------------


def plain_job(text: str, number: int, flag: bool, names: list[str], table: dict[str, int], nothing: None) -> None:
    """A job whose calls need no look at its signature."""


odd = st.one_of(
    *(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.binary(), st.sampled_from([1 << 15_000])),
    *(st.lists(st.text()), st.dictionaries(st.text(), st.integers()), st.dictionaries(st.integers(), st.integers())),
)


usual = st.tuples(
    *(st.text() | odd, st.integers() | odd, st.booleans() | odd, st.lists(st.text() | odd) | odd),
    *(st.dictionaries(st.text(), st.integers() | odd) | odd, st.none() | odd),
)


@settings(max_examples=200, deadline=None, database=None)
@given(usual | st.lists(odd).map(tuple))
def test_a_usual_call_is_encoded_as_by_the_long_way(args: tuple[Any, ...]) -> None:
    short, long = Arguments(plain_job, "job"), Arguments(plain_job, "job")
    long._shows_all = False
    assert short._usual_json(("", 1, True, [""], {"": 1}, None)) is not None
    assert said(short, args) == said(long, args)


def said(arguments: Arguments, args: tuple[Any, ...]) -> object:
    """What a call becomes, or what its caller is told."""
    try:
        return repr(arguments.encode(args, {}))
    except (InvalidArguments, NotJson) as error:
        return type(error), str(error)

"""The payload: written byte for byte as Ruby writes it, read without trust, the same with and without orjson."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offsider.errors import InvalidName, Malformed, NotJson, PayloadTooLarge
from offsider.job import record
from offsider.job.record import check_json, check_name, dumps, loads, new_jid, rewritten
from support.garbage import BAD_FIELDS, GARBAGE, RUBY, argument
from support.wire import RECORD, plain_python

needs_orjson = pytest.mark.skipif(record.orjson is None, reason="orjson is not installed: there is one writer only")
thorough = settings(max_examples=50, deadline=None, database=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=["orjson", "python"])
def writer(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test runs with orjson, and as if it were not installed."""
    if request.param == "orjson" and record.orjson is None:
        pytest.skip("orjson is not installed")
    with nullcontext() if request.param == "orjson" else plain_python():
        yield request.param


def payload(*args: Any, **fields: Any) -> bytes:
    return dumps({**RECORD, "args": list(args), **fields})


def written(value: Any) -> str:
    """How one argument is written."""
    return dumps({"args": [value]}).decode()[len('{"args":[') : -len("]}")]


def as_ruby_writes(value: float) -> str:
    """Ruby's rule: plain with a fraction, plain up to 15 digits, else one digit, the rest, and two digits of power."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + int(exponent) if value else 1
    if 0 < point < len(text):
        body = f"{text[:point]}.{text[point:]}"
    elif 0 < point <= 15:
        body = f"{text.ljust(point, '0')}.0"
    elif -4 < point <= 0:
        body = f"0.{'0' * -point}{text}"
    else:
        body = f"{text[0]}.{text[1:] or '0'}e{point - 1:+03d}"
    return "-" * sign + body


# -- writing -------------------------------------------------------------------------------------------------


def test_a_payload_has_no_spaces_no_escapes_of_letters_and_keeps_the_order(writer: str) -> None:
    fields = {"queue": "mail", "class": "welcome", "args": [1, "é 😀 \u2028/", None, True, {"a b": []}], "jid": "x"}
    assert dumps(fields).decode() == (
        '{"queue":"mail","class":"welcome","args":[1,"é 😀 \u2028/",null,true,{"a b":[]}],"jid":"x"}'
    )


def test_only_quotes_backslashes_and_control_letters_are_escaped(writer: str) -> None:
    assert written('"\\/\b\f\n\r\t\x00\x1f\x7f') == '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'


@pytest.mark.parametrize(("value", "form"), RUBY.items(), ids=RUBY.values())
def test_a_float_has_rubys_form(value: float, form: str, writer: str) -> None:
    assert written(value) == form
    assert as_ruby_writes(value) == form


@thorough
@given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e14, 1e17) | st.floats(1e-6, 1e-3))
@example(2.0**51 + 0.5)
def test_every_float_has_rubys_form_and_comes_back(value: float) -> None:
    assert written(value) == as_ruby_writes(value)
    with plain_python():
        assert written(value) == as_ruby_writes(value)
    (back,) = loads(payload(value))["args"]
    assert back == value
    assert math.copysign(1, back) == math.copysign(1, value)


@needs_orjson
@thorough
@given(values)
def test_orjson_and_the_writer_in_python_write_the_same_bytes(value: Any) -> None:
    fast = payload(value)
    with plain_python():
        assert payload(value) == fast


@thorough
@given(values)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    raw = payload(value)
    assert same(loads(raw)["args"][0], value)
    with plain_python():
        assert same(loads(raw)["args"][0], value)
    assert json.loads(raw)["args"] == [value]


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1 is not 1.0 and not True."""
    if type(one) is dict and type(other) is dict:
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if type(one) is list and type(other) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@dataclass
class Line:
    sku: str = "a"


class Colour(Enum):
    RED = "red"


class Name(str):
    __slots__ = ()


STRANGERS: list[tuple[str, Any, str]] = [
    ("tuple", (1, 2), "job.args[0] is (1, 2) (tuple), which JSON cannot carry"),
    ("set", {1}, "job.args[0] is {1} (set), which JSON cannot carry"),
    ("bytes", b"x", "job.args[0] is b'x' (bytes), which JSON cannot carry"),
    ("NaN", math.nan, "job.args[0] is nan (float), which JSON cannot carry"),
    ("infinity", [{"a": -math.inf}], "job.args[0][0].a is -inf (float), which JSON cannot carry"),
    ("subclass", Name("x"), "job.args[0] is 'x' (Name), which JSON cannot carry"),
    ("object", [[], object], "job.args[0][1] is <class 'object'> (type), which JSON cannot carry"),
    ("UUID", uuid.UUID(int=1), "(UUID), which JSON cannot carry"),
    ("datetime", datetime(2026, 1, 1, tzinfo=UTC), "(datetime), which JSON cannot carry"),
    ("dataclass", Line(), "(Line), which JSON cannot carry"),
    ("enum", Colour.RED, "(Colour), which JSON cannot carry"),
    ("key", {"a": {1: 2}}, "job.args[0].a has the key 1: JSON has only text as keys"),
    ("long integer", 10**5000, "job.args[0] is a whole number of 16,610 bits; the most is 14,000. Pass it as text"),
]


WRITTEN_BY_ORJSON = {"tuple", "UUID", "enum"}  # it cannot be told not to: they are refused by `check_json` before


@pytest.mark.parametrize("stranger", STRANGERS, ids=[one[0] for one in STRANGERS])
def test_what_json_cannot_carry_is_refused_with_its_path(stranger: tuple[str, Any, str], writer: str) -> None:
    name, value, message = stranger
    refuse = [lambda: check_json({"args": [value]}, "job"), lambda: payload(value)]
    for one in refuse[: 1 if writer == "orjson" and name in WRITTEN_BY_ORJSON else 2]:
        with pytest.raises(NotJson) as caught:
            one()
        assert message in str(caught.value)
        assert caught.value.path.startswith("job.args[0]")


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", {"\ud800": 1}, [[{"x": "\udc00"}]]], ids=ascii)
def test_a_lone_surrogate_is_refused_with_its_path(value: Any, writer: str) -> None:
    with pytest.raises(NotJson, match="lone surrogate") as caught:
        payload(value)
    assert caught.value.path.startswith("job.args[0]")


@pytest.mark.parametrize("levels", [199, 5_000, 100_000])
def test_deep_arguments_are_refused_with_what_to_do(levels: int, writer: str) -> None:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    with pytest.raises(NotJson, match="nested deeper than 200 levels: flatten"):
        payload(value)


def test_what_may_be_written_may_be_read_down_to_the_last_level(writer: str) -> None:
    value: Any = 1
    for _ in range(198):
        value = [value]
    assert loads(payload(value))["args"] == [value]


def test_over_16_mb_is_refused_with_its_size_and_what_to_do() -> None:
    with pytest.raises(PayloadTooLarge, match=r"job 'welcome' has 16,0\d\d,\d{3} bytes; the most is 16,000,000. Keep"):
        payload("x" * 16_000_000)
    assert len(payload("x" * 15_999_000)) > 15_999_000


def test_a_worker_may_write_its_notes_into_the_largest_job() -> None:
    fields = {**RECORD, "args": ["x" * 15_999_000], "error_message": "y" * 900_000}
    with pytest.raises(PayloadTooLarge):
        dumps(fields)
    assert loads(rewritten(fields)) == fields


# -- reading -------------------------------------------------------------------------------------------------

FULL = {
    **RECORD, "kwargs": {"a": 1}, "retry_count": 3, "crashes": 1, "failed_at": 1.5, "timeout": 30, "retry_for": 60,
    "retry_queue": "low", "tags": ["a"], "put_back": {"n": 1}, "log_level": "DEBUG", "enqueued_at": 1, "created_at": 2,
    "custom": {"of": "an edition"},
}  # fmt: skip


def test_a_job_with_every_field_is_read(writer: str) -> None:
    assert loads(dumps(FULL)) == FULL


@pytest.mark.parametrize("value", [True, False, None, 0, 25])
def test_retry_may_be_what_ruby_writes_there(value: Any) -> None:
    assert loads(payload(retry=value))["retry"] is value or loads(payload(retry=value))["retry"] == value


@pytest.mark.parametrize(
    "text",
    ["18446744073709551616", "-9223372036854775809", "7" * 4000, "0.12345678901234567890", "1.7976931348623157e308"],
)
def test_numbers_of_any_length_are_read_as_they_are(text: str, writer: str) -> None:
    (value,) = loads(argument(text.encode()))["args"]
    assert value == json.loads(text)
    assert type(value) is type(json.loads(text))


@pytest.mark.parametrize("missing", ["queue", "retry"])
def test_what_ruby_may_leave_out_may_be_missing(missing: str) -> None:
    fields = {name: value for name, value in RECORD.items() if name != missing}
    assert loads(dumps(fields)) == fields


def test_empty_optional_fields_may_be_null() -> None:
    nulls = dict.fromkeys(
        ["kwargs", "failed_at", "timeout", "retry_for", "retry_queue", "tags", "put_back", "log_level", "queue"]
    )
    assert loads(payload(**nulls)) == {**RECORD, **nulls}


BAD = [(name, value) for name, wrong in BAD_FIELDS.items() for value in wrong]


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{name}={value!r:.20}" for name, value in BAD])
def test_a_field_of_the_wrong_kind_makes_no_job_and_is_named(name: str, value: Any) -> None:
    with pytest.raises(Malformed, match=f"^'{name}' is .*; expected ") as caught:
        loads(dumps({**RECORD, name: value}))
    assert f"{value!r:.60}" in caught.value.reason
    assert len(caught.value.reason) < 200


@pytest.mark.parametrize("name", ["class", "args", "jid"])
def test_what_every_job_has_may_not_be_missing(name: str) -> None:
    fields = {one: value for one, value in RECORD.items() if one != name}
    with pytest.raises(Malformed, match=f"^'{name}' is None; expected "):
        loads(dumps(fields))


@pytest.mark.parametrize(("raw", "reason"), GARBAGE.values(), ids=GARBAGE)
def test_bytes_that_are_no_job_are_told_with_a_short_reason(raw: bytes, reason: str, writer: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        loads(raw)
    assert len(str(caught.value)) < 300


def test_over_size_is_not_even_parsed() -> None:
    with pytest.raises(Malformed, match=r"^17,000,00\d bytes; the most is 16,000,000$"):
        loads(b"[" * 17_000_001)


@thorough
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_the_bytes_the_only_error_is_malformed(raw: bytes) -> None:
    for way in (nullcontext(), plain_python()):
        with way:
            try:
                loads(raw)
            except Malformed:
                continue  # the only error there is


@needs_orjson
@thorough
@given(st.data())
def test_with_and_without_orjson_the_same_payloads_are_jobs(data: st.DataObject) -> None:
    raw = bytearray(payload(data.draw(values)))
    for _ in range(data.draw(st.integers(0, 2))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(
            st.sampled_from(b'0123456789eE+-."\\u[]{},:tfn \x00\xff')
        )
    with plain_python():
        expected = outcome(bytes(raw))
    assert same(outcome(bytes(raw)), expected)


def outcome(raw: bytes) -> Any:
    try:
        return loads(raw)
    except Malformed:
        return None


# -- values and names ----------------------------------------------------------------------------------------


def test_strict_json_is_checked_by_exact_type_with_the_path_of_the_first() -> None:
    good = {"a": [1, 2.5, "x", None, True, {"b": []}]}
    check_json(good, "order")
    with pytest.raises(NotJson, match=r"order\.a\[5\]\.b\[0\] is \(\) \(tuple\)") as caught:
        check_json({"a": [1, 2, 3, 4, 5, {"b": [()]}], "z": {1}}, "order")
    assert caught.value.path == "order.a[5].b[0]"
    with pytest.raises(NotJson, match=r"order\[0\] has the key None") as caught:
        check_json([{None: 1}], "order")
    assert caught.value.path == "order[0]"


def test_a_value_that_holds_itself_is_told_as_too_deep() -> None:
    round_and_round: list[Any] = []
    round_and_round.append(round_and_round)
    with pytest.raises(NotJson, match="nested deeper than 200 levels"):
        check_json(round_and_round, "x")


@pytest.mark.parametrize("value", [(10**5000,), {10**5000}, [(b"x" * 10**6,)]], ids=["tuple", "set", "large"])
def test_a_value_that_cannot_be_shown_in_full_is_still_told(value: Any) -> None:
    with pytest.raises(NotJson, match="which JSON cannot carry") as caught:
        check_json(value, "x")
    assert len(str(caught.value)) < 300


def test_a_jid_is_24_hex_letters_and_new_each_time() -> None:
    jids = {new_jid() for _ in range(1000)}
    assert len(jids) == 1000
    assert all(len(jid) == 24 and set(jid) <= set("0123456789abcdef") for jid in jids)


@pytest.mark.parametrize("name", ["a", "mail.fast:1-2_x", "A" * 128])
def test_a_name_has_1_to_128_letters_of_a_few(name: str) -> None:
    assert check_name("queue", name) == name


@pytest.mark.parametrize("name", ["", "a b", "a\n", "ü", "a{b}", "x" * 129, None, 5, b"a"])
def test_another_name_is_refused_with_what_is_expected(name: object) -> None:
    with pytest.raises(InvalidName) as caught:
        check_name("queue", name)
    assert str(caught.value).startswith(f"{name!r:.70}")
    assert " is no queue: expected 1 to 128 letters out of A-Z a-z 0-9 _ . : -" in str(caught.value)


@pytest.mark.parametrize(("size", "error"), [(100, MemoryError), (2_000_000, Malformed)], ids=["small", "large"])
def test_a_lack_of_memory_is_the_fault_of_large_payloads_only(
    size: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_args: Any, **_options: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(record, "orjson", None)
    monkeypatch.setattr(json, "loads", none_left)
    with pytest.raises(error, match="memory"):
        loads(b'"' + b"x" * size + b'"')

"""The job as JSON: written as Ruby writes it, read without trusting it. Never does I/O."""

from __future__ import annotations

import json
import math
import os
import re
from functools import lru_cache
from operator import itemgetter
from typing import Any

from ..errors import InvalidName, Malformed, NotJson, PayloadTooLarge, shown

orjson: Any
try:
    import orjson
except ImportError:  # offsider[fast] is optional: the same bytes, more slowly
    orjson = None

Record = dict[str, Any]

_PASS_ON = orjson and (
    orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)

SOFT_MAX_BYTES = 1_000_000
HARD_MAX_BYTES = 16_000_000
NOTES_MAX_BYTES = 1_000_000  # beyond it, for what a worker writes into a job: errors, reasons, counters
MOST_DEPTH = 200
LEAST_DEEP_BYTES = 2 * MOST_DEPTH  # a level has two brackets
MOST_BITS = 14_000  # of a whole number: Python reads no more than 4,300 digits
MOST_COUNT = 100_000  # retries, crashes: far beyond any real job, and harmless in every formula
MOST_SECONDS = 1e9

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
# What orjson reads otherwise than JSON means it: integers over 64 bit become floats.
_ALL_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER = b"0" * 19  # after the translation: six times as fast as a regular expression
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# What orjson writes otherwise than Ruby does (after the translation): exponents, 16 digits before the point.
_EXPONENT, _NEGATIVE_EXPONENT, _LARGE_FLOAT = b"0e+0", b"0e-0", b"0" * 16 + b"."
_SMALL_FLOAT = b"0.0000"
_ORJSONS_MEMORY_ERROR = "Not enough memory"
# Fields that few payloads have, and that must be right.
RARE = frozenset(
    [
        *("kwargs", "retry_count", "crashes", "failed_at", "timeout", "retry_for"),
        *("retry_queue", "tags", "put_back", "log_level", "needs", "max_run_s", "result_ttl", "sealed"),
    ]
)
_usual_fields = itemgetter("class", "queue", "args", "jid", "retry")
_RETRY_TYPES = frozenset((bool, int, type(None)))


def new_jid() -> str:
    """A job's id: 24 hex letters from 12 random bytes."""
    return os.urandom(12).hex()


def check_name(kind: str, name: object) -> str:
    """The name itself when it is one.

    Raises:
        InvalidName: It has other letters than ``A-Z a-z 0-9 _ . : -``, or not 1 to 128 of them.
    """
    if isinstance(name, str) and _NAME.match(name):
        return name
    raise InvalidName(
        f"{shown(name)} is no {kind}: expected 1 to 128 letters out of A-Z a-z 0-9 _ . : - . Choose another name"
    )


# -- writing -------------------------------------------------------------------------------------------------


def dumps(record: Record, *, most_bytes: int = HARD_MAX_BYTES) -> bytes:
    """The bytes of a record: no spaces, no ASCII escapes, floats in Ruby's form; the same with and without orjson.

    Args:
        record: The job, of JSON values only: `check_json` has seen what came from outside.
        most_bytes: The limit.

    Raises:
        NotJson: A value that JSON cannot carry; the message has its path.
        PayloadTooLarge: Over the limit.

    Example:
        >>> dumps({"queue": "mail", "args": ["é", 1.5]}).decode()
        '{"queue":"mail","args":["é",1.5]}'
    """
    payload = _fast(record) if orjson is not None else None
    if payload is None:
        payload = _exact(record)
    if len(payload) > LEAST_DEEP_BYTES and _is_too_deep(payload, record):
        raise NotJson(
            f"job {shown(record.get('class'))} is nested deeper than {MOST_DEPTH} levels: flatten its arguments"
        )
    if len(payload) > most_bytes:
        raise PayloadTooLarge(
            f"job {shown(record.get('class'))} has {len(payload):,} bytes; the most is {most_bytes:,}. Keep the data"
            " elsewhere and enqueue its key"
        )
    return payload


def rewritten(record: Record) -> bytes:
    """The bytes of a record that came from Redis and was changed by a worker: whatever `loads` took can be kept."""
    return dumps(record, most_bytes=HARD_MAX_BYTES + 2 * NOTES_MAX_BYTES)


def _fast(record: Record) -> bytes | None:
    """orjson's bytes where they are surely the exact ones, else None."""
    try:
        payload: bytes = orjson.dumps(record, option=_PASS_ON)
    except (TypeError, ValueError):  # e.g. integers over 64 bit; the exact writer knows or says why not
        return None
    # null may be a NaN in disguise, and very large and small floats are written in another form.
    return None if _may_have_odd_float(payload) and _has_odd_float(record) else payload


def _may_have_odd_float(payload: bytes) -> bool:
    if b"null" in payload or _SMALL_FLOAT in payload:
        return True
    digits = payload.translate(_ALL_ZERO)
    return _LARGE_FLOAT in digits or _EXPONENT in digits or _NEGATIVE_EXPONENT in digits


def _has_odd_float(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value) or (value != 0 and not 1e-4 <= abs(value) < 1e15)
    if isinstance(value, dict):
        return any(_has_odd_float(one) for one in value.values())
    return isinstance(value, list) and any(_has_odd_float(one) for one in value)


def _exact(value: Any) -> bytes:
    parts: list[str] = []
    try:
        _write(value, "job", parts)
    except RecursionError:
        raise NotJson(f"the job is nested deeper than {MOST_DEPTH} levels: flatten its arguments") from None
    return "".join(parts).encode("utf-8")


def _write(value: Any, path: str, parts: list[str]) -> None:
    kind = type(value)
    if kind is dict:
        parts.append("{")
        for number, (key, one) in enumerate(value.items()):
            if type(key) is not str:
                raise NotJson(f"{path} has the key {shown(key)}: JSON has only text as keys", path)
            parts += ("," if number else "", _text(key, path), ":")
            _write(one, f"{path}.{key}", parts)
        parts.append("}")
    elif kind is list:
        parts.append("[")
        for number, one in enumerate(value):
            if number:
                parts.append(",")
            _write(one, f"{path}[{number}]", parts)
        parts.append("]")
    elif kind is float:
        parts.append(_float(value, path))
    elif kind is str:
        parts.append(_text(value, path))
    elif kind is bool or value is None or (kind is int and value.bit_length() <= MOST_BITS):
        parts.append(json.dumps(value))
    else:
        raise NotJson(_refusal(value, path), path)


def _text(value: str, path: str) -> str:
    if not value.isascii() and (match := _SURROGATE.search(value)):
        found = shown(match.group())
        raise NotJson(f"{path} has a lone surrogate ({found}), which is no text: decode the bytes it came from", path)
    return json.dumps(value, ensure_ascii=False)


def _float(value: float, path: str) -> str:
    if not math.isfinite(value):
        raise NotJson(_refusal(value, path), path)
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if not exponent:
        # Ruby writes 1.0e+15 where Python writes 1000000000000000.0.
        return _ruby_large(value) if abs(value) >= 1e15 and value.is_integer() else text
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{power}"


def _ruby_large(value: float) -> str:
    sign, digits = ("-" if value < 0 else ""), str(int(abs(value)))
    fraction = digits[1:].rstrip("0") or "0"
    return f"{sign}{digits[0]}.{fraction}e+{len(digits) - 1}"


def check_json(value: Any, path: str, depth: int = 0) -> None:
    """Nothing, when JSON can carry the value as it is.

    By exact types: a tuple, a set, bytes, a subclass or a key that is no text would come back as something else.

    Raises:
        NotJson: With the path of the first such value.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None or (kind is int and value.bit_length() <= MOST_BITS):
        return
    if kind is float and math.isfinite(value):
        return
    if kind not in (list, dict):
        raise NotJson(_refusal(value, path), path)
    if depth == MOST_DEPTH:
        raise NotJson(f"{path[:200]}… is nested deeper than {MOST_DEPTH} levels: flatten the argument", path)
    if kind is list:
        for number, one in enumerate(value):
            check_json(one, f"{path}[{number}]", depth + 1)
        return
    for key, one in value.items():
        if type(key) is not str:
            raise NotJson(f"{path} has the key {shown(key)}: JSON has only text as keys", path)
        check_json(one, f"{path}.{key}", depth + 1)


def _refusal(value: Any, path: str) -> str:
    kind = type(value).__name__
    if isinstance(value, int):
        return f"{path} is a whole number of {value.bit_length():,} bits; the most is {MOST_BITS:,}. Pass it as text"
    return (
        f"{path} is {shown(value)} ({kind}), which JSON cannot carry. Annotate the parameter ({kind} is restored when"
        " the annotation says so), or pass text, numbers, booleans, None, lists and dicts"
    )


# -- reading -------------------------------------------------------------------------------------------------


def loads(raw: bytes) -> Record:
    """A record from the bytes of a queue, whatever they are.

    Raises:
        Malformed: They are no job: the reason says why.
        MemoryError: There is no memory for so few bytes now; later there may be.

    Example:
        >>> loads(b"[]")
        Traceback (most recent call last):
        offsider.errors.Malformed: not a JSON object but a list
    """
    if len(raw) > HARD_MAX_BYTES + NOTES_MAX_BYTES:
        raise Malformed(f"{len(raw):,} bytes; the most is {HARD_MAX_BYTES:,}")
    try:
        record = orjson.loads(raw) if orjson is not None and is_exact(raw) else _exactly(raw)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except MemoryError:
        raise _no_memory(raw) from None
    except ValueError as error:
        if _ORJSONS_MEMORY_ERROR in str(error):
            raise _no_memory(raw) from None
        raise Malformed(f"not JSON: {str(error)[:200]}") from None
    if len(raw) > LEAST_DEEP_BYTES and _is_too_deep(raw, record):
        raise Malformed(f"nested deeper than {MOST_DEPTH} levels")
    return _checked(record)


def glance(raw: bytes, rare: frozenset[str] = RARE) -> Record | None:
    """A usual payload, read at a glance; None for any other, which is `loads`' part.

    A whole number over 64 bits may have become a float here: who cannot see that in the types of the arguments asks
    `is_exact`.
    """
    if orjson is None or len(raw) > LEAST_DEEP_BYTES:
        return None
    try:
        record: Record = orjson.loads(raw)
        name, queue, args, jid, retry = _usual_fields(record)
    except (ValueError, KeyError, TypeError):
        return None
    is_usual = (
        type(name) is type(queue) is type(jid) is str
        and type(args) is list
        and name != ""
        and type(retry) in _RETRY_TYPES
        and _is_name(queue)
        and rare.isdisjoint(record)
    )
    return record if is_usual else None


def is_exact(raw: bytes) -> bool:
    """True when no number in it is too long for a quick look."""
    return _LONG_NUMBER not in raw.translate(_ALL_ZERO)


def _no_memory(raw: bytes) -> Malformed | MemoryError:
    """It is too large for this machine; or it is small, and this is a moment without memory, not its fault."""
    if len(raw) > SOFT_MAX_BYTES:
        return Malformed("too large to be parsed in memory")
    return MemoryError(f"no memory to parse {len(raw):,} bytes")


def _is_too_deep(raw: bytes, value: Any) -> bool:
    """What has no more brackets than levels are allowed needs no look."""
    return raw.count(b"[") + raw.count(b"{") > MOST_DEPTH and _depth(value) > MOST_DEPTH


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        nested = [one for one in level if isinstance(one, (list, dict))]
        depth += bool(nested)
        level = [item for one in nested for item in (one.values() if isinstance(one, dict) else one)]
    return depth


def _exactly(raw: bytes) -> Any:
    value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    if b"\\u" in raw:
        _refuse_surrogates(value)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no number that a float can hold")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise ValueError("a lone surrogate is no text")
    elif isinstance(value, dict):
        for key, one in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(one)
    elif isinstance(value, list):
        for one in value:
            _refuse_surrogates(one)


@lru_cache(1024)
def _is_name(text: str) -> bool:
    return _NAME.match(text) is not None


def _checked(record: Any) -> Record:
    if type(record) is not dict:
        raise Malformed(f"not a JSON object but a {type(record).__name__}")
    name = record.get("class")
    if type(name) is not str or not name:
        raise Malformed(f"'class' is {name!r:.80}; expected the name of a job")
    if type(record.get("args")) is not list:
        raise Malformed(f"'args' is {shown(record.get('args'))}; expected a list")
    if type(record.get("jid")) is not str:
        raise Malformed(f"'jid' is {shown(record.get('jid'))}; expected text")
    _check_counters(record)
    return record


def _check_counters(record: Record) -> None:
    # -1: Sidekiq's pages take one off before a retry by hand, which uses no attempt.
    for field, least in (("retry_count", -1), ("crashes", 0)):
        if field in record and not (type(record[field]) is int and least <= record[field] <= MOST_COUNT):
            raise Malformed(f"{field!r} is {shown(record[field])}; expected a whole number up to {MOST_COUNT:,}")
    for field, most in _NUMBERS:
        value = record.get(field)
        if value is not None and not (type(value) in (int, float) and 0 <= value <= most):
            raise Malformed(f"{field!r} is {shown(value)}; expected a number from 0 to {most:g}")
    if type(record.get("retry", True)) not in (bool, int, type(None)):
        raise Malformed(f"'retry' is {shown(record['retry'])}; expected true, false or a number")
    for field in ("queue", "retry_queue"):
        queue = record.get(field)
        if queue is not None and not (type(queue) is str and _is_name(queue)):
            raise Malformed(f"{field!r} is {shown(queue)}; expected the name of a queue")
    for field, kind in _KINDS:
        value = record.get(field)
        if value is not None and type(value) is not kind:
            raise Malformed(f"{field!r} is {shown(value)}; expected {_JSON_KINDS[kind]}")


_NUMBERS = (
    *(("failed_at", math.inf), ("timeout", MOST_SECONDS)),
    *(("max_run_s", MOST_SECONDS), ("retry_for", MOST_SECONDS), ("result_ttl", MOST_SECONDS)),
)
_KINDS = (
    *(("kwargs", dict), ("tags", list), ("needs", list), ("put_back", dict), ("log_level", str)),
    ("sealed", dict),
)
_JSON_KINDS = {dict: "an object", list: "a list", str: "text"}

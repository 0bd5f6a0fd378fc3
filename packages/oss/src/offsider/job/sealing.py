"""What of a payload is sealed: written so that only who has a key can read it. Says where, and masks it; opens nothing.

The field ``sealed`` names the other fields: ``true`` for all of one, or a list of what of it. So whoever shows a job
hides what is sealed, without any key, and without the code that sealed it.
"""

from __future__ import annotations

from typing import Any

from .record import Record

FIELD = "sealed"
MASK = "•••• encrypted"
FAILURE = ("error_message", "error_backtrace")


def is_sealed(record: Record, name: str) -> bool:
    """True when a field is sealed, or a part of it.

    Example:
        >>> is_sealed({"args": ["…", 7], "sealed": {"args": [0]}}, "args")
        True
    """
    sealed = record.get(FIELD)
    return type(sealed) is dict and bool(sealed.get(name))


def mark(record: Record, name: str, what: Any = True) -> None:
    """Note that a field is sealed, or what of it. What the record had before stays as it is: it may be shared."""
    record[FIELD] = {**(record.get(FIELD) or {}), name: what}


def unmark(record: Record, *names: str) -> None:
    """Note that fields were written anew, as plain text."""
    sealed = record.get(FIELD)
    if type(sealed) is dict and not sealed.keys().isdisjoint(names):
        record[FIELD] = {name: what for name, what in sealed.items() if name not in names}


def shown(record: Record, name: str, default: Any = "") -> Any:
    """A field as it may be shown.

    Example:
        >>> shown({"error_message": "…", "sealed": {"error_message": True}}, "error_message")
        '•••• encrypted'
    """
    return MASK if name in record and is_sealed(record, name) else record.get(name, default)


def shown_args(record: Record) -> list[Any]:
    """The positional arguments as they may be shown.

    Example:
        >>> shown_args({"args": ["…", 7], "sealed": {"args": [0]}})
        ['•••• encrypted', 7]
    """
    args = record["args"]
    if not is_sealed(record, "args"):
        return list(args)
    places = record[FIELD]["args"]
    hides_all = type(places) is not list
    return [MASK if hides_all or number in places else one for number, one in enumerate(args)]


def shown_kwargs(record: Record) -> dict[str, Any]:
    """The keyword arguments as they may be shown."""
    kwargs = record.get("kwargs") or {}
    if not is_sealed(record, "kwargs"):
        return dict(kwargs)
    names = record[FIELD]["kwargs"]
    hides_all = type(names) is not list
    return {name: MASK if hides_all or name in names else one for name, one in kwargs.items()}


def masked(record: Record) -> Record:
    """A whole record as it may be shown; itself when nothing of it is sealed."""
    if FIELD not in record:
        return record
    seen = {name: shown(record, name) for name in record}
    if "args" in record:
        seen["args"] = shown_args(record)
    if "kwargs" in record:
        seen["kwargs"] = shown_kwargs(record)
    return seen

"""Which jobs are meant: the conditions of a search, and of what is done to many at once. Pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, fields

from ..errors import InvalidOption, shown
from ..job.record import Record

MOST_LETTERS = 1000
MOST_JIDS = 10_000


@dataclass(frozen=True, slots=True)
class Where:
    """All of what is given must hold; nothing given means every job.

    Args:
        text: It is somewhere in the payload, whatever the case of its ASCII letters: arguments, error, tags, anything.
        name: The job's name, exactly.
        queue: Its queue, exactly.
        error: The class of its last error, with or without the module: ``"ValueError"``, ``"shop.OutOfStock"``.
        tag: One of its tags.
        jids: Its id is among these, at most 10,000.

    Raises:
        InvalidOption: One of them cannot be.

    Example:
        >>> where = Where(error="OutOfStock", tag="vip")
        >>> where.fits({"class": "buy", "error_class": "shop.OutOfStock", "tags": ["vip"]}, b"")
        True
    """

    text: str | None = None
    name: str | None = None
    queue: str | None = None
    error: str | None = None
    tag: str | None = None
    jids: Collection[str] | None = None

    def __post_init__(self) -> None:
        for field in fields(self)[:-1]:
            value = getattr(self, field.name)
            if value is not None and not (type(value) is str and 0 < len(value) <= MOST_LETTERS):
                raise InvalidOption(f"{field.name} is {shown(value)}: expected a text of 1 to {MOST_LETTERS} letters")
        if self.jids is not None:
            if isinstance(self.jids, str) or not all(isinstance(one, str) for one in self.jids):
                raise InvalidOption(f"jids is {shown(self.jids)}: expected a list of ids, e.g. [job.jid]")
            if len(self.jids) > MOST_JIDS:
                raise InvalidOption(f"jids has {len(self.jids):,} ids: at most {MOST_JIDS:,} at once, in several calls")
            object.__setattr__(self, "jids", frozenset(self.jids))

    @property
    def is_all(self) -> bool:
        """True when nothing is asked for."""
        return all(getattr(self, field.name) is None for field in fields(self))

    @property
    def pattern(self) -> bytes:
        """A pattern of Redis that every job which fits matches, and few others."""
        if self.text is not None:
            return b"*" + b"".join(map(_either_case, _as_written(self.text))) + b"*"
        named = None if self.queue == "default" else self.queue  # a payload need not say that
        wanted = self.name or self.tag or self.error or named
        if wanted is None and self.jids is not None and len(self.jids) == 1:
            (wanted,) = self.jids
        return b"*" if wanted is None else b"*" + b"".join(map(_literally, _as_written(wanted))) + b"*"

    def may_fit(self, raw: bytes) -> bool:
        """False when no job in these bytes is meant: what is wanted stands nowhere in them. It spares reading them.

        Other programs may write letters in other ways (``\\u…``, ``\\/``): of such bytes nothing is known.

        Args:
            raw: Of a payload.
        """
        if b"\\u" in raw or b"\\/" in raw:
            return True
        wanted = [_as_written(one) for one in (self.name, self.error, self.tag) if one is not None]
        text = None if self.text is None else _as_written(self.text).lower()
        return all(one in raw for one in wanted) and (text is None or text in raw.lower())

    def fits(self, record: Record, raw: bytes) -> bool:
        """True when this job is meant.

        Args:
            record: Its payload.
            raw: The bytes of it.
        """
        return (
            (self.name is None or record.get("class") == self.name)
            and (self.queue is None or (record.get("queue") or "default") == self.queue)
            and (self.jids is None or record.get("jid") in self.jids)
            and (self.error is None or self._has_error(record.get("error_class")))
            and (self.tag is None or self.tag in (record.get("tags") or ()))
            and (self.text is None or _as_written(self.text).lower() in raw.lower())
        )

    def _has_error(self, error: object) -> bool:
        return isinstance(error, str) and (error == self.error or error.rpartition(".")[2] == self.error)


EVERY = Where()


def _as_written(text: str) -> bytes:
    """As JSON has it, without the quotation marks."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _literally(byte: int) -> bytes:
    return b"\\" + bytes((byte,)) if byte in b"*?[]\\^-" else bytes((byte,))


def _either_case(byte: int) -> bytes:
    letter = bytes((byte,))
    return b"[" + letter.lower() + letter.upper() + b"]" if letter.isalpha() else _literally(byte)

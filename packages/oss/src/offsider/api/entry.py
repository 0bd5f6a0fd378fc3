"""One job as it lies in Redis: what lists, searches and pages show. Read from its bytes, never trusted."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from ..errors import Malformed, shown
from ..job import record as records
from ..job.sealing import MASK, masked, shown_args, shown_kwargs
from ..job.sealing import shown as shown_field

MOST_TRACEBACK_BYTES = 1_000_000
LAST_S = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One job that waits, or is dead.

    Attributes:
        jid: Its id.
        name: The job's, or what it is shown as (``display_name``).
        queue: Where it belongs.
        at_s: In a set: when it is due, was to be tried again, or died; epoch seconds. None in a queue.
        position: In a queue: 1 is taken next. None elsewhere.
        record: All of its payload, as it lies there.
        raw: The bytes.

    Example:
        >>> entry = read(b'{"queue":"mail","class":"welcome","args":[7],"jid":"b4a5","tags":["vip"]}')
        >>> entry.name, entry.args, entry.tags, entry.error
        ('welcome', [7], ('vip',), '')
    """

    jid: str
    name: str
    queue: str
    at_s: float | None
    position: int | None
    record: records.Record
    raw: bytes = field(repr=False)

    @property
    def args(self) -> list[Any]:
        """The positional arguments, as JSON values; a mask for what is encrypted."""
        return shown_args(self.record)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments, as JSON values; a mask for what is encrypted."""
        return shown_kwargs(self.record)

    @property
    def tags(self) -> tuple[str, ...]:
        """As it was enqueued."""
        return tuple(map(str, self.record.get("tags") or ()))

    @property
    def error(self) -> str:
        """``ErrorClass: message`` of its last failure; empty when it has not failed."""
        if "error_class" not in self.record:
            return ""
        return f"{self.record['error_class']}: {self.error_message}"

    @property
    def error_message(self) -> str:
        """The message of its last failure; a mask when it is encrypted, empty without one."""
        return str(shown_field(self.record, "error_message") or "")

    @property
    def died_s(self) -> float:
        """Of a dead job: when it died, epoch seconds."""
        return self.at_s or 0.0

    @property
    def failures(self) -> int:
        """How often it has failed."""
        return int(self.record["retry_count"]) + 1 if "retry_count" in self.record else 0

    @property
    def created_s(self) -> float | None:
        """When ``enqueue`` was called, epoch seconds."""
        return seconds(self.record.get("created_at"))

    @property
    def enqueued_s(self) -> float | None:
        """When it came into its queue, epoch seconds; None for one that is not there yet."""
        return seconds(self.record.get("enqueued_at"))

    @property
    def traceback(self) -> list[str]:
        """The lines of its last failure that were kept (the option ``backtrace``); a mask when they are encrypted."""
        packed = shown_field(self.record, "error_backtrace", None)
        return [MASK] if packed == MASK else traceback_of(packed)

    def to_dict(self) -> dict[str, Any]:
        """All of it but the bytes, for JSON; a mask for what is encrypted."""
        return {
            "jid": self.jid, "name": self.name, "queue": self.queue, "at_s": self.at_s, "position": self.position,
            "args": self.args, "kwargs": self.kwargs, "tags": list(self.tags), "error": self.error,
            "failures": self.failures, "created_s": self.created_s, "enqueued_s": self.enqueued_s,
            "record": masked(self.record),
        }  # fmt: skip


def read(raw: bytes, *, at_s: float | None = None, position: int | None = None) -> JobEntry | None:
    """The job in these bytes; None when they are none.

    Args:
        raw: What lies in Redis.
        at_s: The score.
        position: In a queue.
    """
    try:
        record = records.loads(raw)
    except Malformed:
        return None
    name = record.get("display_class")
    return JobEntry(
        record["jid"],
        name if isinstance(name, str) and name else record["class"],
        str(record.get("queue") or "default"),
        None if at_s is None else in_calendar(at_s),
        position,
        record,
        raw,
    )


def in_calendar(at_s: float) -> float:
    """The nearest time that a calendar has: a score may be any number, and who shows it need not fear it.

    Example:
        >>> in_calendar(5.0), in_calendar(float("inf"))
        (5.0, 253402300799.0)
    """
    return min(max(at_s, 0.0), float(LAST_S))


def seconds(stamp: Any) -> float | None:
    """Epoch seconds of a time in a payload: whole milliseconds, or seconds with a fraction as Sidekiq once wrote.

    None for what no calendar has.
    """
    if type(stamp) not in (int, float):
        return None
    at_s = stamp / 1000 if type(stamp) is int and stamp < 1000 * LAST_S else stamp
    return float(at_s) if 0 <= at_s <= LAST_S else None


def traceback_of(packed: Any) -> list[str]:
    """The lines of a traceback as it lies in a payload; empty when it is not readable, or longer than a megabyte."""
    if not isinstance(packed, str):
        return []
    try:
        unpacker = zlib.decompressobj()
        lines = json.loads(unpacker.decompress(base64.b64decode(packed, validate=True), MOST_TRACEBACK_BYTES))
    except (ValueError, zlib.error, RecursionError):
        return []
    return [line if isinstance(line, str) else shown(line) for line in lines] if isinstance(lines, list) else []

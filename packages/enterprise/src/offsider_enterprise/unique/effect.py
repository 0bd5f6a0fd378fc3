"""The lock of a unique job, as an effect: part of the scripts that push, settle, recover and delete its job."""

from __future__ import annotations

import logging
from functools import cache
from importlib.resources import files
from typing import Any

from offsider import clock
from offsider.contract.effects import PUSH, QUEUED, Call, Effect, Move, Word
from offsider.job import record as records
from offsider.job.record import Record
from offsider.store.keys import Keys

from .errors import EnqueueRejected
from .keys import UniqueKeys

log = logging.getLogger("offsider.enterprise")

NAME = "unique"
FIELD = "unique_lock"
WAITS, INLINE = "w", "i"


@cache
def _text() -> str:
    return (files("offsider_enterprise.unique") / "effect.lua").read_text(encoding="utf-8")


class UniqueLock(Effect):
    """Takes the lock with the push, keeps it with each move of the job, gives it back with its end."""

    fields = frozenset({FIELD})
    lua = _text()

    def ask(self, move: Move) -> tuple[tuple[str, ...], tuple[Word, ...]] | None:
        """Keys and arguments of ``effect.lua``."""
        record = move.record
        if not isinstance(record[FIELD], str):
            return None  # another program's
        due_ms: Word = "" if move.at_s is None else round(move.at_s * 1000)
        note = _note(record) if move.kind in (PUSH, QUEUED) else b""
        delay_ms = round(move.delay_s * 1000)
        return UniqueKeys(move.keys).of_effect, words(record, note, due_ms=due_ms, delay_ms=delay_ms)

    def refused(self, record: Record, said: str) -> Exception | None:
        """Said in the log, with the holder; an error for who has asked for one."""
        message = (
            f"job {record['class']!r} was not enqueued: it is unique, and the job {said} holds its lock"
            f" {record[FIELD]}. `offsider why {said}` tells where that one is, `offsider unique unlock {record[FIELD]}`"
            " ends the lock"
        )
        if record.get("unique_raises"):
            return EnqueueRejected(message, said)
        log.info("%s", message)
        return None


def words(record: Record, note: bytes, *, due_ms: Word = "", delay_ms: int = 0, state: str = WAITS) -> tuple[Word, ...]:
    """The arguments of ``effect.lua`` for a job."""
    for_s: Any = record.get("unique_for")
    return (
        record[FIELD],
        record["jid"],
        "" if for_s is None else round(for_s * 1000),
        str(record.get("unique_until", "success")),
        str(record.get("unique_policy", "reject")),
        due_ms,
        delay_ms,
        state,
        note,
    )


def inline_call(move: str, record: Record, keys: Keys) -> Call:
    """The call for a job that runs where it is called, in no queue."""
    return Call(NAME, move, UniqueKeys(keys).of_effect, words(record, _note(record), state=INLINE))


def _note(record: Record) -> bytes:
    """What a list of locks tells of the holder."""
    until, policy = record.get("unique_until", "success"), record.get("unique_policy", "reject")
    note = {"class": record["class"], "queue": record["queue"], "until": until, "policy": policy}
    return records.dumps({**note, "at": clock.now_ms()})

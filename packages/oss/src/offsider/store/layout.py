"""Which kinds of keys there are, of which type, and which of them end by themselves. Knows names, never asks Redis."""

from __future__ import annotations

import re

from ..contract.findings import KeyKind
from .keys import Keys

HOUR_S = 3600
DAY_S = 24 * HOUR_S
YEARS_5_S = 5 * 365 * DAY_S

WORD, REST = "\0", "\1"  # letters that no namespace has: they stand for parts of a key

_IDENTITY = r".+:\d+:[0-9a-f]{12}"
_JID = r"[0-9a-f]{24}"
_STAMP = r"\d{6}\|\d{1,2}:\d{1,2}"
_MINUTE = r"\d{1,2}-\d{1,2}:\d{1,2}"
_ANY = r".+"


def kinds(keys: Keys) -> tuple[KeyKind, ...]:
    """Every kind that the free edition, and Sidekiq, write.

    With an empty namespace other programs' keys lie beside ours: there only what nobody else is likely to have.

    Example:
        >>> [kind.name for kind in kinds(Keys("shop")) if re.fullmatch(kind.pattern, "{shop}:queue:mail")]
        ['queue']
    """
    named = [
        KeyKind("queues", _is(keys.queues), "set"),
        KeyKind("schedule", _is(keys.schedule), "zset"),
        KeyKind("retry", _is(keys.retry), "zset"),
        KeyKind("dead", _is(keys.dead), "zset"),
        KeyKind("quarantine", _is(keys.quarantine), "zset"),
        KeyKind("processes", _is(keys.processes), "set"),
        KeyKind("owners", _is(keys.owners), "zset"),
        KeyKind("bell", _is(keys.schedule_bell), "list"),
        KeyKind("totals", _is(keys.totals), "hash", 30 * DAY_S),
        KeyKind("queue", _is(keys.queue(WORD), _ANY), "list"),
        KeyKind("bell", _is(keys.bell(WORD), _ANY), "list"),
        KeyKind("inflight", _is(keys.inflight(WORD), _ANY), "hash"),
        KeyKind("lane", _is(keys.lane(WORD), _ANY), "string", DAY_S),
        KeyKind("refusals", _is(keys.refusals(WORD), _ANY), "list", DAY_S),
        KeyKind("stat", _is(keys.stat(WORD), "[a-z]+"), "string"),
        KeyKind("stat of a day", _is(keys.stat(WORD), r"[a-z]+:\d{4}-\d\d-\d\d"), "string", YEARS_5_S),
    ]
    return (*named, *_of_processes(keys), *_of_jobs(keys), *_of_metrics(keys))


def _of_processes(keys: Keys) -> list[KeyKind]:
    return [
        KeyKind("signals", _is(keys.signals(WORD), _IDENTITY), "list", 60),
        KeyKind("cancels", _is(keys.cancels(WORD), _IDENTITY), "hash", 60),
        KeyKind("bell of cancels", _is(keys.cancels_bell(WORD), _IDENTITY), "list", 60),
        KeyKind("flush", _is(keys.flushed(WORD), _IDENTITY), "string", 8 * HOUR_S),
        KeyKind("work", _is(keys.work(WORD), _IDENTITY), "hash", 60),
        KeyKind("process", _is(keys.process(WORD), _IDENTITY), "hash", 60),
    ]


def _of_jobs(keys: Keys) -> list[KeyKind]:
    found = [
        KeyKind("cursor", _is(keys.cursor(WORD), _JID), "hash", 30 * DAY_S),
        KeyKind("result", _is(keys.result(WORD), _ANY), "list", 30 * DAY_S),
    ]
    if keys.namespace:
        found.append(KeyKind("profile", _is(keys.profile(WORD, REST), _ANY).replace(REST, _JID), "hash", DAY_S))
    return found


def _of_metrics(keys: Keys) -> list[KeyKind]:
    return [
        KeyKind("profiles", _is(keys.profiles), "zset"),
        KeyKind("job counts", _is(keys.job_counts(WORD), _STAMP), "hash", 3 * DAY_S),
        KeyKind("job times", _is(keys.job_times(WORD, REST), _ANY).replace(REST, _STAMP), "hash", 3 * DAY_S),
        KeyKind("queue metrics", _is(keys.queue_metrics(WORD), _STAMP), "hash", 3 * DAY_S),
        KeyKind(
            "histogram",
            _is(keys.histogram(WORD, REST), _ANY).replace(REST, _MINUTE),
            "string",
            DAY_S,
        ),
        KeyKind("marks", _is(keys.marks(WORD), r"\d{8}"), "hash", 90 * DAY_S),
        KeyKind("deploy lock", _is(keys.deploy_lock(WORD), _ANY), "string", 60),
    ]


def _is(key: str, word: str = "") -> str:
    """A pattern for a key in which `WORD` stands for a part of this form."""
    return re.escape(key).replace(WORD, word)

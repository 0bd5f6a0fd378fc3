"""Jobs as Ruby's Sidekiq writes them, and what lies in Redis as it reads it."""

from __future__ import annotations

import json
import time
from typing import Any

import redis

JID = "b4a577edbccf1d805744efa9"


def ruby_job(**fields: Any) -> dict[str, Any]:
    """A job as Sidekiq 7.3 and 8 write it: whole milliseconds."""
    now = int(time.time() * 1000)
    usual = {"retry": True, "queue": "default", "class": "HardJob", "args": ["bob", 1], "jid": JID}
    return {**usual, "created_at": now, "enqueued_at": now + 1, **fields}


def push(raw: redis.Redis, **fields: Any) -> dict[str, Any]:
    """What a Ruby client does: no bell, no script."""
    job = ruby_job(**fields)
    raw.sadd("queues", job["queue"])
    raw.lpush(f"queue:{job['queue']}", json.dumps(job, separators=(",", ":"), ensure_ascii=False))
    return job


def only(raw: redis.Redis, key: str) -> tuple[dict[str, Any], float]:
    """The one entry of a sorted set, and its score."""
    ((member, score),) = raw.zrange(key, 0, -1, withscores=True)
    entry: dict[str, Any] = json.loads(member)
    return entry, score


def is_near(milliseconds: object) -> bool:
    """True for whole milliseconds of this minute."""
    return type(milliseconds) is int and abs(milliseconds / 1000 - time.time()) < 60

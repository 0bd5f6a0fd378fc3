"""All that lies in Redis as bytes, to look for what must not be there."""

from __future__ import annotations

from typing import Any


def everything(raw: Any) -> bytes:
    """Keys and values; read one by one, since what DUMP gives is compressed."""
    readers = {
        b"list": lambda key: raw.lrange(key, 0, -1),
        b"set": raw.smembers,
        b"zset": lambda key: raw.zrange(key, 0, -1),
        b"hash": lambda key: [part for pair in raw.hgetall(key).items() for part in pair],
        b"string": lambda key: [raw.get(key)],
    }
    found: list[bytes] = []
    for key in raw.scan_iter():
        kind = raw.type(key)
        found += [key, *(readers[kind](key) if kind in readers else ())]  # some expire meanwhile
    return b"\n".join(found)

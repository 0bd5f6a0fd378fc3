"""Makes a script that only a leader may run: the check and the write are one script. Runs nothing itself."""

from __future__ import annotations

from offsider.store.scripts import Script

from ..scripts import load

MARK = "--WRITE--\n"


def fenced(name: str, text: str) -> Script:
    """A script whose write is done only while the term of the process that runs it lasts.

    Args:
        name: Its name.
        text: The Lua of the write; ``KEYS`` and ``ARGV`` are its own.

    Example:
        >>> fenced("count", "return redis.call('INCR', KEYS[1])").name
        'count'
    """
    before, _mark, after = load("leader_fence").text.partition(MARK)
    return Script.of(name, f"{before}{text}\n{after}")

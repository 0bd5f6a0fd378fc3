"""The keys of this edition. Makes text, never talks to Redis."""

from __future__ import annotations

from offsider.store.keys import Keys


class ProKeys:
    """What this edition keeps in the namespace of an app.

    Example:
        >>> ProKeys(Keys("shop")).expired
        '{shop}:expired'
    """

    def __init__(self, keys: Keys) -> None:
        self._prefix = prefix = keys.prefix
        self.expired = f"{prefix}expired"
        self.paused = f"{prefix}paused"
        self.pauses = f"{prefix}pauses"
        self.job_pauses = f"{prefix}job-pauses"
        self.guards = f"{prefix}guards"
        self.deaths = f"{prefix}deaths"

    def deletions(self, queue: str) -> str:
        """How many jobs were deleted from the middle of a queue lately."""
        return f"{self._prefix}deletions:{queue}"

    def death(self, identity: str) -> str:
        """What is known of the death of one process."""
        return f"{self._prefix}death:{identity}"

    def usage(self, hour: int | str) -> str:
        """What measured runs have cost in one hour, in hours since 1970."""
        return f"{self._prefix}usage:{hour}"

    def suspects(self, identity: str) -> str:
        """Which suspects a process runs now, and whether alone."""
        return f"{self._prefix}suspects:{identity}"

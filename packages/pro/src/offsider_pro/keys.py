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

    def deletions(self, queue: str) -> str:
        """How many jobs were deleted from the middle of a queue lately."""
        return f"{self._prefix}deletions:{queue}"

    def usage(self, hour: int | str) -> str:
        """What measured runs have cost in one hour, in hours since 1970."""
        return f"{self._prefix}usage:{hour}"

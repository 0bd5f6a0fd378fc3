"""Which shard the jobs of a queue go to. A table made once; knows no Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Routes:
    """A queue's own name decides; else the first beginning that fits, in the order of the settings.

    Args:
        tables: Shard → queues: names, or beginnings with ``*`` at their end.

    Example:
        >>> routes = Routes({"eu": ["mail", "reports*"], "us": ["reports.daily", "*"]})
        >>> [routes(queue) for queue in ("mail", "reports.weekly", "reports.daily", "default")]
        ['eu', 'eu', 'us', 'us']
        >>> Routes({})("mail") is None
        True
    """

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        pairs = [(queue, shard) for shard, queues in tables.items() for queue in queues]
        self._exact = {queue: shard for queue, shard in pairs if not queue.endswith("*")}
        self._beginnings = [(queue[:-1], shard) for queue, shard in pairs if queue.endswith("*")]

    def __call__(self, queue: str) -> str | None:
        """The shard; None for the app's own Redis."""
        found = self._exact.get(queue)
        if found is not None:
            return found
        return next((shard for beginning, shard in self._beginnings if queue.startswith(beginning)), None)

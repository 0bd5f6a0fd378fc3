"""What was measured in one Redis: the doors to it that an app and each of its shards have. Reads nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .metrics.profiles import Profiles
from .metrics.query import Metrics

if TYPE_CHECKING:
    from .store.connection import Connections
    from .store.keys import Keys


class Measured:
    """What `App` and `Shard` inherit."""

    if TYPE_CHECKING:
        keys: Keys

        @property
        def connections(self) -> Connections:
            """The ways to Redis."""

    @property
    def metrics(self) -> Metrics:
        """How jobs and queues did, and when was deployed."""
        return Metrics(self.connections, self.keys)

    @property
    def profiles(self) -> Profiles:
        """Profiles of single runs: of jobs that were enqueued with ``profile=``."""
        return Profiles(self.connections, self.keys)

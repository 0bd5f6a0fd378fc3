"""The keys of this edition. Makes text, never talks to Redis."""

from __future__ import annotations

from offsider.store.keys import Keys


class EnterpriseKeys:
    """What this edition keeps in the namespace of an app.

    Example:
        >>> EnterpriseKeys(Keys("shop")).leader
        '{shop}:leader'
    """

    def __init__(self, keys: Keys) -> None:
        self._prefix = prefix = keys.prefix
        self.leader = f"{prefix}leader"
        self.dear_leader = f"{prefix}dear-leader"  # Sidekiq's: its pages show who leads
        self.leader_bell = f"{prefix}bell-leader"
        self.cron_names = f"{prefix}cron-names"
        self.cron_due = f"{prefix}cron-due"
        self.cron_declared = f"{prefix}cron-declared"

    def cron_entry(self, name: str) -> str:
        """A hash: one entry of the crontab, as it was written, and whether it is paused."""
        return f"{self._prefix}cron:{name}"

    def cron_runs(self, name: str) -> str:
        """A sorted set, note → instant: the last runs of an entry."""
        return f"{self._prefix}cron-runs:{name}"

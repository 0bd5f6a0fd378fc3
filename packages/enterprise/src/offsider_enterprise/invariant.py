"""Which keys this edition writes, for the doctor and for fsck."""

from __future__ import annotations

import re
from collections.abc import Iterable

from offsider.contract.findings import Invariant, KeyKind
from offsider.store.keys import Keys

from .keys import EnterpriseKeys

MOST_LEASE_S = 300
NAME = r"[A-Za-z0-9_.:-]{1,128}"


class EnterpriseInvariant(Invariant):
    """The kinds of keys of this edition."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """Each with its type."""
        ours = EnterpriseKeys(keys)
        return [
            KeyKind("leader", re.escape(ours.leader), "hash"),
            KeyKind("dear leader", re.escape(ours.dear_leader), "string", MOST_LEASE_S),
            KeyKind("bell of the leader", re.escape(ours.leader_bell), "list"),
            KeyKind("cron names", re.escape(ours.cron_names), "zset"),
            KeyKind("cron due", re.escape(ours.cron_due), "zset"),
            KeyKind("cron declared", re.escape(ours.cron_declared), "zset"),
            KeyKind("cron entry", re.escape(ours.cron_entry("")) + NAME, "hash"),
            KeyKind("cron runs", re.escape(ours.cron_runs("")) + NAME, "zset"),
        ]

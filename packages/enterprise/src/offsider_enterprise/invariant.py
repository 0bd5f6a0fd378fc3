"""Which keys this edition writes, for the doctor and for fsck."""

from __future__ import annotations

import re
from collections.abc import Iterable

from offsider.contract.findings import Invariant, KeyKind
from offsider.store.keys import Keys

from .keys import EnterpriseKeys

MOST_LEASE_S = 300


class EnterpriseInvariant(Invariant):
    """The kinds of keys of this edition."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """Each with its type."""
        ours = EnterpriseKeys(keys)
        return [
            KeyKind("leader", re.escape(ours.leader), "hash"),
            KeyKind("dear leader", re.escape(ours.dear_leader), "string", MOST_LEASE_S),
            KeyKind("bell of the leader", re.escape(ours.leader_bell), "list"),
        ]

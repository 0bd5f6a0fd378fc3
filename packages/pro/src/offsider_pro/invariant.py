"""Which keys this edition writes, for the doctor and for fsck. It has no rules of its own: its keys are bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable

from offsider.contract.findings import Invariant, KeyKind
from offsider.store.keys import Keys

from .keys import ProKeys

HOUR_S = 3600
USAGE_KEPT_S = 73 * HOUR_S
DEATH_KEPT_S = 7 * 86_400
SUSPECT_KEPT_S = 7 * 86_400


class ProInvariant(Invariant):
    """The kinds of keys of this edition."""

    def kinds(self, keys: Keys) -> Iterable[KeyKind]:
        """Each with its type; counters of expired jobs are among the statistics of the free edition."""
        ours = ProKeys(keys)
        return [
            KeyKind("expired", re.escape(ours.expired), "zset"),
            KeyKind("paused", re.escape(ours.paused), "set"),
            KeyKind("pauses", re.escape(ours.pauses), "hash"),
            KeyKind("job pauses", re.escape(ours.job_pauses), "hash"),
            KeyKind("guards", re.escape(ours.guards), "zset"),
            KeyKind("deaths", re.escape(ours.deaths), "zset"),
            KeyKind("death", re.escape(ours.death("")) + ".+", "hash", DEATH_KEPT_S),
            KeyKind("suspects", re.escape(ours.suspects("")) + ".+", "hash", SUSPECT_KEPT_S),
            KeyKind("usage", re.escape(ours.usage("")) + r"\d+", "hash", USAGE_KEPT_S),
            KeyKind("deletions", re.escape(ours.deletions("")) + ".+", "string", HOUR_S),
        ]

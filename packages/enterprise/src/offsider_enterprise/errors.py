"""The errors of this edition; all are `offsider.errors.OffsiderError`."""

from __future__ import annotations

from offsider.errors import StoreError


class NotLeader(StoreError):
    """A leader's write came too late: this process does not lead, or does not any more. Nothing was changed."""

"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

from offsider.contract.edition import Edition


class ProEdition(Edition):
    """Offsider Pro. It registers nothing yet."""

    name = "pro"

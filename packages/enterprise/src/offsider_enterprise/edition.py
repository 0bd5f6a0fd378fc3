"""The table of contents of this edition: every registration it makes."""

from __future__ import annotations

from offsider.contract.edition import Edition


class EnterpriseEdition(Edition):
    """Offsider Enterprise, on top of Pro. It registers nothing yet."""

    name = "enterprise"
    needs = ("pro",)

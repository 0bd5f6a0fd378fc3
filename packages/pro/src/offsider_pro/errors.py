"""The errors of this edition; all are `offsider.errors.OffsiderError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offsider.errors import EditionError

if TYPE_CHECKING:
    from offsider_licensing import LicenseError


class LicenseRefused(EditionError):
    """The licence does not let an edition start. Nothing was started and nothing was changed.

    Attributes:
        edition: The edition that does not start.
        refusal: Which refusal it is, and where we looked.
    """

    def __init__(self, edition: str, refusal: LicenseError) -> None:
        super().__init__(f"the edition {edition!r} does not start: {refusal}")
        self.edition = edition
        self.refusal = refusal

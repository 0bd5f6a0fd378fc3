"""The errors of this edition; all are `offsider.errors.OffsiderError`."""

from __future__ import annotations

from offsider.errors import EditionError


class LicenseRefused(EditionError):
    """The licence does not let an edition start. Nothing was started and nothing was changed.

    Its cause (``__cause__``) is the `offsider_licensing.LicenseError` that says which refusal it is.
    """

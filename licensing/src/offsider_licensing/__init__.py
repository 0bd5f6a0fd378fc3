"""The licence of the commercial editions: read, verified and judged offline. Never imports offsider itself."""

from __future__ import annotations

from .errors import (
    LicenseError,
    LicenseExpired,
    LicenseForged,
    LicenseForOther,
    LicenseMalformed,
    LicenseMissing,
    LicenseNotYetValid,
    LicenseRevoked,
    LicenseUnreadable,
)
from .gate import examine, require
from .license import License
from .policy import Standing, judge

__version__ = "0.1.0"

__all__ = [
    "License",
    "LicenseError",
    "LicenseExpired",
    "LicenseForOther",
    "LicenseForged",
    "LicenseMalformed",
    "LicenseMissing",
    "LicenseNotYetValid",
    "LicenseRevoked",
    "LicenseUnreadable",
    "Standing",
    "__version__",
    "examine",
    "judge",
    "require",
]

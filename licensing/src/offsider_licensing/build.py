"""When an installed package was built: the stamp that its wheel carries."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from importlib import import_module

from .errors import LicenseError


def stamp(package: str) -> str | None:
    """The date of a package's wheel, ``YYYY-MM-DD``; None for a source tree, which counts as built now."""
    name = f"{package}._build"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    return str(module.BUILT)


def moment_s(built: str) -> int:
    """The first second of that day in UTC.

    Raises:
        LicenseError: It is no date.

    Example:
        >>> moment_s("1970-01-02")
        86400
    """
    try:
        return int(datetime.combine(date.fromisoformat(built), time(), UTC).timestamp())
    except ValueError:
        raise LicenseError(
            f"the build date of this edition is {built!r:.40}; expected YYYY-MM-DD: reinstall it"
        ) from None

"""The settings of unique jobs: ``[enterprise.unique]``."""

from __future__ import annotations

from pydantic import Field

from offsider.config.model import Section


class UniqueSettings(Section):
    """What can be set under ``[enterprise.unique]``.

    Attributes:
        check_s: How often the locks are held against the jobs, so that none is held for a job that is gone.
    """

    check_s: float = Field(default=30.0, ge=1, le=3600)

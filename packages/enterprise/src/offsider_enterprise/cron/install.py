"""What the crontab registers in a web process and on the command line; the rest is in `offsider_enterprise.parts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .instant import rows

if TYPE_CHECKING:
    from offsider.web.web import Web


def install_web(web: Web, by: str) -> None:
    """In a web process: a row on the page of a job."""
    web.job_rows.add("enterprise.cron", rows, by=by)

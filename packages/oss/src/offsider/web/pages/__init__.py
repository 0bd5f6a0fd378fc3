"""The built-in pages: each module has the addresses of one, what it shows and what it does."""

from __future__ import annotations

from ...contract.web import Page
from . import (
    busy,
    dashboard,
    dead,
    doctor,
    errors,
    find,
    job,
    metrics,
    probes,
    profiles,
    quarantine,
    queue,
    queues,
    retries,
    scheduled,
)

PAGES: dict[str, Page] = {
    f"{module.__name__.rpartition('.')[2]}{suffix}": page
    for module in (
        probes, dashboard, busy, queues, queue, scheduled, retries, dead, quarantine, job, find, errors, metrics,
        profiles, doctor,
    )
    for suffix, page in module.PAGES.items()
}  # fmt: skip

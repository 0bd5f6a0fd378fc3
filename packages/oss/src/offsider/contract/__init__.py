"""The seams through which editions and plug-ins come in. Imports no room of the house but its values.

`VERSION` is the contract's; an edition says which one it was built for. `SEAMS` lists every seam with its shape;
each has a paragraph in ``docs/contract.md``.
"""

from __future__ import annotations

VERSION = 1

SEAMS: tuple[tuple[str, str], ...] = (
    ("job_options", "Registry"),
    ("config_sections", "Registry"),
    ("scripts", "Registry"),
    ("effects", "Registry"),
    ("client_middleware", "Chain"),
    ("server_middleware", "Chain"),
    ("deferrals", "Registry"),
    ("undelivered", "Slot"),
    ("fetcher", "Slot"),
    ("queue_filters", "Registry"),
    ("scheduler", "Slot"),
    ("recovery", "Slot"),
    ("services", "Registry"),
    ("heartbeat_fields", "Registry"),
    ("sinks", "Registry"),
    ("codec", "Slot"),
    ("reasons", "Registry"),
    ("checks", "Registry"),
    ("invariants", "Registry"),
    ("events", "Events"),
    ("pages", "Registry"),
    ("tabs", "Registry"),
    ("locales", "Registry"),
    ("assets", "Registry"),
    ("job_rows", "Registry"),
    ("banners", "Registry"),
    ("authorizer", "Slot"),
    ("servers", "Registry"),
    ("source", "Slot"),
    ("commands", "Registry"),
    ("worker_options", "Registry"),
    ("process_runner", "Slot"),
)

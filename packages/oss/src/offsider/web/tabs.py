"""The navigation's own entries, in their order."""

from __future__ import annotations

from ..contract.web import Tab

TABS = {
    "dashboard": Tab("Dashboard", "/", "dashboard"),
    "busy": Tab("Busy", "/busy", "busy", lambda now: int(now.busy)),
    "queues": Tab("Queues", "/queues", "queues", lambda now: int(now.enqueued)),
    "scheduled": Tab("Scheduled", "/scheduled", "scheduled", lambda now: int(now.scheduled)),
    "retries": Tab("Retries", "/retries", "retries", lambda now: int(now.retries), alarming=True),
    "dead": Tab("Dead", "/dead", "dead", lambda now: int(now.dead), alarming=True),
    "quarantine": Tab("Quarantine", "/quarantine", "quarantine", lambda now: int(now.quarantined), alarming=True),
    "errors": Tab("Errors", "/errors", "errors"),
    "metrics": Tab("Metrics", "/metrics", "metrics"),
    "profiles": Tab("Profiles", "/profiles", "profiles"),
    "doctor": Tab("Doctor", "/doctor", "doctor"),
}

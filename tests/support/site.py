"""The web pages as a test sees them: a visitor at this machine, and jobs in every place."""

from __future__ import annotations

import json
from typing import Any

from starlette.testclient import TestClient

from offsider import App

SAME = {"sec-fetch-site": "same-origin"}
HTML = {"accept": "text/html,application/xhtml+xml"}
PAGES = (
    *("/", "/busy", "/queues", "/queues/mail", "/queues/mail?text=a", "/queues/mail/clear", "/scheduled", "/retries"),
    *("/retries?text=a", "/retries/all?act=delete", "/retries/all?act=kill&text=a", "/dead", "/dead/all?act=retry"),
    *("/errors", "/metrics", "/metrics/shop.welcome", "/profiles", "/doctor", "/find", "/find?q=a"),
    *("/jobs/w1", "/jobs/s1", "/jobs/r1", "/jobs/d1", "/jobs/q1", "/jobs/gone", "/quarantine", "/quarantine?text=q"),
    *("/quarantine/q1", "/quarantine/all?act=retry"),
)


class Visitor:
    """A browser without scripts.

    Args:
        site: The pages, or an application that has them.
        address: Where it seems to be.
        host: What it calls the server.
    """

    def __init__(self, site: Any, *, address: str = "127.0.0.1", host: str = "localhost", **headers: str) -> None:
        self.client = TestClient(
            site, base_url=f"http://{host}", headers={**HTML, **headers}, client=(address, 50_000),
            raise_server_exceptions=False, follow_redirects=False,
        )  # fmt: skip

    def get(self, path: str, **headers: str) -> Any:
        """A page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, fields: Any = None, **headers: str) -> Any:
        """A form of ours, sent."""
        return self.client.post(path, data=fields or {}, headers={**SAME, **headers})

    def text(self, path: str) -> str:
        """A page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return str(answer.text)


def payload(jid: str, name: str = "shop.welcome", *args: Any, **fields: Any) -> bytes:
    """A job as it lies in Redis."""
    record = {
        "class": name, "args": list(args), "jid": jid, "queue": "mail", "retry": True,
        "created_at": 1_790_000_000_000, "enqueued_at": 1_790_000_000_000, **fields,
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")


def failed(jid: str, error: str = "ValueError", message: str = "no", **fields: Any) -> bytes:
    """One that has failed twice."""
    given = {"retry_count": 1, "failed_at": 1_790_000_000_000, "error_class": error, "error_message": message}
    return payload(jid, **{**given, **fields})


def fill(app: App, raw: Any) -> None:
    """A job in each place: ``w1`` waits, ``s1`` is scheduled, ``r1`` is to be tried again, ``d1`` is dead, ``q1`` is in
    quarantine.
    """
    raw.sadd(app.keys.queues, "mail")
    raw.lpush(app.keys.queue("mail"), payload("w1", "shop.welcome", 7, tags=["vip"]))
    raw.zadd(app.keys.schedule, {payload("s1", "shop.later", "a"): 4_000_000_000})
    raw.zadd(app.keys.retry, {failed("r1"): 4_000_000_000})
    raw.zadd(app.keys.dead, {failed("d1", "shop.OutOfStock", "no tea"): 1_790_000_000})
    raw.zadd(app.keys.quarantine, {quarantined(payload("q1", "shop.unknown")): 1_790_000_000.000_001})


def quarantined(entry: bytes, reason: str = "no such job is known", queue: str = "mail") -> bytes:
    """Bytes as they lie in quarantine."""
    return json.dumps({"queue": queue, "reason": reason, "at": 1}).encode() + b"\n" + entry

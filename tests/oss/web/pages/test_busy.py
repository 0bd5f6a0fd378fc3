"""The page of what works now, a page at a time."""

from __future__ import annotations

import json
import re
from typing import Any

from offsider import App
from support.site import Visitor, payload


def test_processes_and_running_jobs_are_paged(app: App, raw: Any) -> None:
    for number in range(120):
        identity = f"host:{number:03}:a"
        work = {"payload": payload(f"j{number:03}").decode(), "run_at": 1000 + number, "queue": "mail"}
        info = {"hostname": "host", "pid": number, "queues": ["mail"], "concurrency": 1}
        raw.sadd(app.keys.processes, identity)
        raw.hset(app.keys.process(identity), mapping={"info": json.dumps(info), "busy": 1, "concurrency": 1})
        raw.hset(app.keys.work(identity), "default-1", json.dumps(work))
    visitor = Visitor(app.web())
    first, other = visitor.text("/busy"), visitor.text("/busy?page=5&jobs=2")
    assert re.findall(r'id="process-host:(\d+):a"', first) == [f"{k:03}" for k in range(25)]
    assert re.findall(r'id="running-j(\d+)"', first) == [f"{k:03}" for k in range(50)]
    assert re.findall(r'id="process-host:(\d+):a"', other) == [f"{k:03}" for k in range(100, 120)]
    assert re.findall(r'id="running-j(\d+)"', other) == [f"{k:03}" for k in range(50, 100)]
    assert re.search(r"<span>(\d+) processes", first)[1] == "120"  # type: ignore[index]
    assert 'href="/busy?page=5&amp;jobs=3"' in other, "the page of the one stays when the other is turned"

"""The page of all queues: a page at a time, sorted, and found by name."""

from __future__ import annotations

import re
from typing import Any

from offsider import App
from support.site import Visitor, payload


def test_queues_are_paged_sorted_and_found_by_name(app: App, raw: Any) -> None:
    names = [f"team{k:03}" for k in range(120)]
    raw.sadd(app.keys.queues, *names)
    for k, name in enumerate(names[:30]):
        at_ms = 1_790_000_000_000 + 1000 * k
        raw.lpush(app.keys.queue(name), *[payload(f"{name}-{n}", enqueued_at=at_ms) for n in range(k % 7 + 1)])
    visitor = Visitor(app.web())

    def shown(address: str) -> list[str]:
        return re.findall(r'href="/queues/(\w+)"', visitor.text(address))

    first = shown("/queues")
    assert (len(first), first[0]) == (50, "team006"), "the longest first"
    assert shown("/queues?page=3") == names[100:]
    assert shown("/queues?sort=latency")[:2] == ["team000", "team001"]
    assert shown("/queues?sort=name") == names[:50]
    assert shown("/queues?match=TEAM11&sort=name") == names[110:]
    assert "Nothing fits." in visitor.text("/queues?match=nobody")
    assert 'aria-sort="descending"' in visitor.text("/queues")

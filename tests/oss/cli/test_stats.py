"""``offsider stats``: figures now, and of each day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from offsider import App
from support.cli import offsider, told, told_json


def test_the_figures_are_those_of_the_app(shop: App, raw: Any) -> None:
    shop.jobs["welcome"].enqueue(1)
    shop.jobs["welcome"].using(delay=60).enqueue(2)
    raw.set("{offsider}:stat:processed", 1_234_567)
    shown = dict(line.split(maxsplit=1) for line in told("stats").splitlines())
    assert (shown["processed"], shown["enqueued"], shown["scheduled"]) == ("1,234,567", "1", "1")
    assert (shown["busy"], shown["processes"]) == ("0/0", "0")
    found = told_json("stats")
    assert (found["processed"], found["queues"][0]["name"]) == (1_234_567, "mail")
    assert "history" not in found


def test_days_are_told_the_newest_first(shop: App, raw: Any) -> None:
    today = datetime.now(UTC).date()
    raw.set(f"{{offsider}}:stat:processed:{today - timedelta(1)}", 12_000)
    raw.set(f"{{offsider}}:stat:failed:{today - timedelta(1)}", 7)
    lines = told("stats", "--history", "3").splitlines()
    assert lines[-4].split() == ["day", "processed", "failed"]
    assert lines[-2].split() == [str(today - timedelta(1)), "12,000", "7"]
    assert [one["processed"] for one in told_json("stats", "--history", "3")["history"]] == [0, 12_000, 0]
    assert offsider("stats", "--history", "0").exit_code == 2

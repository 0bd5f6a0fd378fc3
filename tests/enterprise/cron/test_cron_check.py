"""The doctor says which entries nobody enqueues."""

from __future__ import annotations

from typing import Any

from offsider_enterprise.cron.cron_check import cron_check

from .conftest import YEARLY, CronBench, new_year


def found(bench: CronBench) -> list[Any]:
    facts: Any = None
    return list(cron_check(bench.app, facts))


def test_an_empty_crontab_is_nothing_to_tell(bench: CronBench) -> None:
    assert found(bench) == []


def test_entries_that_are_late_are_named(bench: CronBench) -> None:
    for k in range(7):
        bench.crontab.add(f"entry{k}", "report", YEARLY)
    (one,) = found(bench)
    assert (one.level, one.value) == ("ok", "7 entries, none of them late")
    for k in range(6):
        bench.put_back(f"entry{k}", new_year())
    (one,) = found(bench)
    assert one.level == "problem"
    assert one.value.startswith("6 of 7 entries are late: entry0 (report), ")
    assert one.value.endswith(" and more")
    assert "Start a worker" in one.advice

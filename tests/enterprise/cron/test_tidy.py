"""What nobody has declared for a month is forgotten; what people have written stays."""

from __future__ import annotations

from collections.abc import Callable

from offsider.worker.worker import Worker
from offsider_enterprise.cron.tidy import MONTH_S
from support.waiting import until

from .conftest import YEARLY, CronBench


def test_code_that_is_gone_leaves_no_entry_behind(
    make_bench: Callable[..., CronBench], start_worker: Callable[..., Worker]
) -> None:
    gone = make_bench()
    for name in ("old", "older"):
        gone.app.job(name=name, cron=YEARLY, queue="cron")(lambda: None)
    start_worker(gone.app).stop()
    gone.crontab.add("by-hand", "report", YEARLY)
    gone.raw.zincrby(gone.keys.cron_declared, -MONTH_S - 60, "older")
    gone.raw.zincrby(gone.keys.cron_declared, -MONTH_S + 3600, "old")
    bench = make_bench()
    start_worker(bench.app)
    until(lambda: "older" not in bench.crontab)
    assert [one.name for one in bench.crontab] == ["by-hand", "old"]

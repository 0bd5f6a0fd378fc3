"""What fsck says of the crontab: nothing of one that is in order, and what it mends of one that is not."""

from __future__ import annotations

import re

import pytest

from offsider.api.fsck import fsck
from offsider.store.keys import Keys
from offsider_enterprise.cron.invariant import CronInvariant
from offsider_enterprise.keys import EnterpriseKeys

from .conftest import YEARLY, CronBench


@pytest.mark.parametrize("namespace", ["shop", ""])
def test_every_key_has_a_kind(namespace: str) -> None:
    keys = Keys(namespace)
    ours = EnterpriseKeys(keys)
    made = {value for name, value in vars(ours).items() if name.startswith("cron")}
    made |= {ours.cron_entry("a.b:c-D_1"), ours.cron_runs("a")}
    kinds = list(CronInvariant().kinds(keys))
    assert len(kinds) == len(made)
    assert all(any(re.fullmatch(kind.pattern, key) for kind in kinds) for key in made)


def test_a_crontab_in_order_is_no_finding(bench: CronBench) -> None:
    for name in ("a", "b"):
        bench.crontab.add(name, "report", YEARLY)
    bench.crontab.pause("b")
    bench.crontab.run("a")
    assert fsck(bench.app).found == ()


def test_what_is_out_of_order_is_told_and_mended(bench: CronBench) -> None:
    for name in ("never", "fine"):
        bench.crontab.add(name, "report", YEARLY)
    bench.raw.zrem(bench.keys.cron_due, "never")
    bench.raw.zadd(bench.keys.cron_due, {"ghost": 1})
    bench.raw.zadd(bench.keys.cron_names, {"shadow": 0})
    found = fsck(bench.app, mend=True).found
    assert {one.breach.rule for one in found} == {"crontab"}
    assert len(found) == 3
    assert all(one.mended for one in found)
    assert "cron entry 'never' goes on and is never due" in {one.breach.says for one in found}
    assert fsck(bench.app).found == ()
    assert bench.due_s("never") == bench.due_s("fine")

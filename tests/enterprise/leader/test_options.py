"""``offsider worker --no-leader``: as it is typed, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider_enterprise.keys import EnterpriseKeys
from support.processes import HEAD, Desk
from support.waiting import until

FREE = "app = App(editions=[])"
ENTERPRISE = """from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition

app = App(editions=[ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")])"""


@pytest.fixture
def desk(tmp_path: Path, redis_url: str) -> Iterator[Desk]:
    """A folder where workers with the edition run; the command line has it, too."""
    folder = tmp_path / "desk"
    folder.mkdir()
    one = Desk(folder, redis_url)
    one.environment |= {"OFFSIDER_EDITIONS": "pro,enterprise", "OFFSIDER_LICENSE": "evaluation"}
    (folder / "jobs.py").write_text(HEAD.lstrip().replace(FREE, ENTERPRISE), "utf-8")
    yield one
    one.close()


def test_a_worker_that_was_told_so_never_leads_and_another_one_does(desk: Desk, raw: Any, app: Any) -> None:
    desk.worker("--no-leader").logs(" runs default ")
    leader = desk.worker()
    held_by = EnterpriseKeys(app.keys).leader
    until(lambda: raw.hget(held_by, "holder"), 20)
    assert raw.hget(held_by, "holder").decode() == leader.identity

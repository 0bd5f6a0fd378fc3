"""A suspect that is forked from a process without the app imports it itself, and obeys and ends as any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from support.processes import Process
from support.waiting import until

from .conftest import JOBS, ProDesk
from .test_link import MARK, MORE, PREFIX, dead, is_idle, not_there, put_back, words

Push = Callable[..., bytes]
THREAD = "\nthreading.Thread(target=tick.wait, daemon=True).start()\n"


def alone_in(desk: ProDesk) -> int:
    """The process of the suspect that holds."""
    until(lambda: words(desk, "begin"), 30)
    return int(words(desk, "begin")[0].split()[2])


def fresh(desk: ProDesk, slots: str) -> Process:
    """A worker whose suspects have fresh processes, as its settings say."""
    words = ("worker", "jobs:app", "-c", slots, "-t", "0.5")
    return desk.offsider(*words, OFFSIDER_PRO_ALONE_BY_FORK="false").logs(" runs default (")


@pytest.mark.parametrize("how", ["KILL", "STOP"])
def test_it_ends_with_its_worker_and_does_not_run_on_beside_the_next_run(
    pro_desk: ProDesk, push: Push, how: str
) -> None:
    pro_desk.write(JOBS + THREAD)
    worker = pro_desk.worker("-c", "1")
    push("hold", "a", suspect=MARK)
    alone = alone_in(pro_desk)
    worker.tell(how)
    until(lambda: not_there(alone), 10, "the process of the suspect has ended, too")


def test_it_is_cancelled_and_is_handed_back_once_it_has_ended(pro_desk: ProDesk, raw: Any, push: Push) -> None:
    pro_desk.write(more=MORE)
    worker = fresh(pro_desk, "2")
    push("hold", "a", jid="a", suspect=MARK)
    push("hear", jid="hear", suspect=MARK)
    alone = alone_in(pro_desk)
    until(lambda: "hears" in pro_desk.said, 30)
    app = App(pro_desk.environment["OFFSIDER_REDIS_URL"], editions=[])
    assert app.cancel("hear")
    app.close()
    until(lambda: [raw.hlen(key) for key in raw.keys(f"{PREFIX}inflight:*")] == [1], 20, "it has heard that")
    worker.tell("TERM")
    until(lambda: raw.llen(f"{PREFIX}queue:default"), 20)
    assert not_there(alone)
    assert worker.end() == 0, worker.log


def test_a_job_that_is_cancelled_before_its_process_has_begun_is_told_when_it_has(
    pro_desk: ProDesk, raw: Any, push: Push
) -> None:
    pro_desk.write(more=f'{MORE}\nif Path("late").exists():\n    say("imports")\n    wait_for("go")\n')
    fresh(pro_desk, "1")
    pro_desk.touch("late")
    push("hear", jid="hear", suspect=MARK)
    pro_desk.hears("imports")
    app = App(pro_desk.environment["OFFSIDER_REDIS_URL"], editions=[])
    assert app.cancel("hear")
    until(lambda: not raw.keys(f"{PREFIX}cancels:*"), 20, "its worker has heard that, and has told it")
    pro_desk.touch("go")
    until(lambda: is_idle(raw), 30, "it has ended")
    app.close()


def test_a_process_that_dies_at_its_import_is_not_the_jobs_fault(pro_desk: ProDesk, raw: Any, push: Push) -> None:
    pro_desk.write(more='\nif Path("bad").exists():\n    os._exit(4)\n')
    fresh(pro_desk, "1")
    pro_desk.touch("bad")
    push("note", "n", suspect={**MARK, "deaths": 2})
    assert b"its process died before the job began: ended itself with exit code 4" in put_back(raw)
    (pro_desk.folder / "bad").unlink()
    until(lambda: words(pro_desk, "note n") and is_idle(raw), 40)
    assert dead(raw) == []

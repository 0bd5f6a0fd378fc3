"""Who takes all the memory is found out and put apart with the cause: by real kills, in a control group of its own.

Workers, their companions and the processes of suspects are all in the group, as in a container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from offsider import App
from offsider_pro.reliable.deaths import Deaths
from support.cgroup import MemoryGroup
from support.processes import Process
from support.waiting import until

from .conftest import JOBS, ProDesk
from .test_link import MARK, dead, is_idle, words

Push = Callable[..., bytes]
LIMIT_BYTES = 400 << 20
CAUSE = "killed by SIGKILL when the system had no memory left"
EAT = """
@app.job(name="eat")
def eat() -> None:
    say(f"eat {os.getpid()}")
    eaten = [b"x" * (1 << 20) for _ in range(1000)]  # far beyond the limit, and no further where there were none
    say(f"eaten {len(eaten)}")
"""


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    try:
        made = MemoryGroup(LIMIT_BYTES)
    except OSError as error:
        pytest.skip(f"no control group with a limit of memory can be made here: {error}")
    yield made
    made.close()


@pytest.fixture
def start(group: MemoryGroup, pro_desk: ProDesk) -> Callable[[], Process]:
    """Workers in the group."""
    pro_desk.write(JOBS + EAT)

    def started() -> Process:
        in_it = group.words("-m", "offsider", "worker", "jobs:app", "-c", "3")
        return pro_desk.run(*in_it).logs(" is guarded by process ")

    return started


def test_who_takes_all_the_memory_is_dead_with_that_cause_and_nobody_is_blamed_who_was_killed_beside_it(
    pro: App, pro_desk: ProDesk, raw: Any, push: Push, start: Callable[[], Process]
) -> None:
    first = start()
    push("hold", "a", jid="a", suspect={**MARK, "deaths": 2})
    until(lambda: words(pro_desk, "begin a"), 30, "it runs alone: the first that the kernel kills, whoever is to blame")
    push("eat", jid="e")
    assert first.end() == -9, first.log
    second = start()
    until(lambda: dead(raw), 60, second.log)
    until(lambda: words(pro_desk, "begin a")[1:], 60, second.log)
    pro_desk.touch("a")
    until(lambda: words(pro_desk, "done a") and is_idle(raw), 60, second.log)
    (record,) = dead(raw)
    assert (record["jid"], record["suspect"]["cause"], record["suspect"]["deaths"]) == ("e", CAUSE, 3)
    assert record["error_message"].startswith(f"it ran alone and its process died, 3 times; the last one was {CAUSE}.")
    assert len(words(pro_desk, "eat")) == 4, "once in company, three times alone, and never to the end"
    assert second.popen.poll() is None, "no other worker was lost"
    (death,) = Deaths(pro).latest()
    assert (death.process, death.kind, death.cause) == (first.identity, "memory", CAUSE)
    assert any(f"the last time {CAUSE}" in reason for reason in pro.why("e").reasons)
    web = TestClient(pro.web(), base_url="http://127.0.0.1:8765", client=("127.0.0.1", 5000))
    assert CAUSE in web.get("/deaths").text
    until(lambda: f"is gone: {CAUSE}; its jobs are given back" in first.log, 20)

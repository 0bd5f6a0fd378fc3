"""The deaths of processes are told: from a program, in a terminal, on a page, and on the page of a suspect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from offsider import App
from offsider_pro.cli import apps
from offsider_pro.cli.deaths import deaths
from offsider_pro.reliable.cause import Cause
from offsider_pro.reliable.deaths import Deaths
from offsider_pro.reliable.guards import MOST_DEATHS, Guards
from offsider_pro.reliable.page import rows
from support.bench import payload


@pytest.fixture
def guards(pro: App) -> Guards:
    return Guards(pro.connections.wire("test", read_timeout_s=5.0), pro.keys)


def die(guards: Guards, identity: str, status: int) -> None:
    guards.condemn(identity, Cause.of_status(status), "death", alone=True)


def test_the_latest_death_is_told_first_with_its_cause(pro: App, raw: Any, guards: Guards) -> None:
    assert Deaths(pro).latest() == []
    die(guards, "a:1:x", 9)
    die(guards, "b:2:x", 3 << 8)
    raw.hset(f"{pro.keys.prefix}death:b:2:x", "jobs", 5)
    found = Deaths(pro).latest()
    assert sorted((one.process, one.cause, one.number, one.jobs) for one in found) == [
        ("a:1:x", "killed by SIGKILL", 9, 0),
        ("b:2:x", "ended itself with exit code 3", 3, 5),
    ]
    seconds, _ = raw.time()
    assert all(abs(one.at_s - seconds) < 10 for one in found)
    assert len(Deaths(pro).latest(1)) == 1


def test_no_more_than_a_thousand_are_kept(pro: App, raw: Any, guards: Guards) -> None:
    raw.zadd(f"{pro.keys.prefix}deaths", {f"x:{number}:y": 10**13 + number for number in range(MOST_DEATHS)})
    die(guards, "a:1:x", 9)
    assert raw.zcard(f"{pro.keys.prefix}deaths") == MOST_DEATHS
    assert 0 < raw.ttl(f"{pro.keys.prefix}death:a:1:x") <= 7 * 86_400
    assert all(one.process != "x:1:y" for one in Deaths(pro).latest()), "of those nothing is known"


def test_a_terminal_and_a_page_tell_them(pro: App, guards: Guards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "find_app", lambda target, config=None: pro)

    def run(*words: str) -> str:
        return CliRunner().invoke(deaths, [*words, "--app", "shop"], catch_exceptions=False).output

    web = TestClient(pro.web(), base_url="http://127.0.0.1:8765", client=("127.0.0.1", 5000))
    assert run() == "no worker process has died in the last seven days\n"
    assert "No process has died" in web.get("/deaths").text
    die(guards, "a:1:<b>", 9)
    assert run().endswith("  a:1:<b>  killed by SIGKILL; 0 jobs in flight\n")
    assert json.loads(run("--json"))[0]["kind"] == "signal"
    page = web.get("/deaths").text
    assert "killed by SIGKILL" in page
    assert "a:1:&lt;b&gt;" in page
    assert web.get("/deaths", headers={"accept": "application/json"}).json()[0]["process"] == "a:1:<b>"


def test_the_page_of_a_job_says_that_it_is_a_suspect_and_so_does_why(pro: App, raw: Any) -> None:
    mark = {"at": 1, "process": "gone:1:abc", "cause": "killed by SIGSEGV", "deaths": 1}
    raw.zadd(pro.keys.dead, {payload("job", suspect=mark): 2_000_000_000})
    raw.zadd(pro.keys.dead, {payload("job", jid="j2"): 2_000_000_001})
    found = {entry.jid: list(rows(entry)) for entry in pro.dead}
    assert found == {
        "j1": [("Suspect", "in flight when gone:1:abc died; killed by SIGSEGV"), ("Died alone", "1 / 3")],
        "j2": [],
    }
    assert pro.why("j1").reasons[-1].startswith("it is a suspect: it was in flight when gone:1:abc died;")

"""``offsider unique``: what it lists, finds and ends, and its exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offsider_enterprise.unique.command import unique
from offsider_enterprise.unique.stamp import stamp_of
from offsider_pro.cli import apps

from .conftest import UniqueBench


@pytest.fixture
def run(bench: UniqueBench, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command for the bench's app."""
    monkeypatch.setattr(apps, "find_app", lambda target, config=None: bench.app)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(unique, [*words, "--app", "shop"], catch_exceptions=False)

    return invoke


def test_locks_are_listed_found_and_ended(bench: UniqueBench, run: Any) -> None:
    assert run("list").output == "no lock is held\n"
    sync = bench.job(600)
    jid = str(sync.enqueue(7))
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    listed = run("list").output.splitlines()
    assert listed[0].startswith(f"{digest}  sync  job {jid}  queue default  since 20")
    assert listed[1] == "1 locks are held"
    assert run("list", "--class", "other").output == "1 locks are held\n"
    assert json.loads(run("list", "--json").output)[0]["jid"] == jid
    assert run("find", jid).output == run("find", digest).output == f"{listed[0]}\n"
    assert json.loads(run("find", digest, "--json").output)["digest"] == digest
    result = run("unlock", jid)
    assert (result.output, result.exit_code) == (f"{jid}: unlocked; job {jid} held it\n", 0)
    assert bench.is_clean()


@pytest.mark.parametrize("name", ["-h3lp-app_json", "--app-json-help"])
def test_a_name_that_begins_with_a_hyphen_is_no_option(bench: UniqueBench, run: Any, name: str) -> None:
    stamp_of(bench.app).digest = lambda _canonical: name
    jid = str(bench.job(True).enqueue(7))
    assert run("find", name).output.startswith(f"{name}  sync  job {jid}")
    assert run("unlock", name).output == f"{name}: unlocked; job {jid} held it\n"
    assert bench.is_clean()


def test_what_is_not_locked_is_said_with_exit_code_1(run: Any) -> None:
    result = run("unlock", "nothing")
    assert (result.output, result.exit_code) == ("nothing: not locked\n", 1)
    found = run("find", "nothing")
    assert found.exit_code == 1
    assert "no lock 'nothing' is held" in found.output

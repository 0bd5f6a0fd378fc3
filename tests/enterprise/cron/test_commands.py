"""``offsider cron``: the crontab from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from offsider.cli.main import Cli, build
from offsider_enterprise.cron.commands import cron

from .conftest import YEARLY, CronBench


@pytest.fixture
def module(bench: CronBench) -> Iterator[None]:
    """A module that a command imports, with the bench's app."""
    made = ModuleType("crontab_of_a_test")
    made.app = bench.app  # type: ignore[attr-defined]
    sys.modules[made.__name__] = made
    yield
    del sys.modules[made.__name__]


@pytest.fixture
def offsider(module: None) -> Callable[..., Any]:
    """Run a command; its exit code and what it has said."""

    def run(*words: str, code: int = 0) -> str:
        cli = Cli()
        cli.commands.add("cron", cron, by="enterprise")
        app = () if "test" in words and len(words) > 1 and "*" in words[1] else ("--app", "crontab_of_a_test:app")
        result = CliRunner().invoke(build(cli), ["cron", *words, *app], obj=cli, prog_name="offsider")
        assert result.exit_code == code, f"{result.exit_code}: {result.output} {result.exception!r}"
        return result.output

    return run


def test_an_entry_from_its_beginning_to_its_end(bench: CronBench, offsider: Callable[..., str]) -> None:
    assert offsider("list") == "the crontab has no entry\n"
    said = offsider(
        "add", "nightly", "report", "0 3 * * mon-fri", "--zone", "Europe/Berlin", "--args", '["sales"]',
        "--kwargs", '{"kind": "x"}', "--options", '{"queue": "low"}', "--missed", "skip", "--by", "ann",
    )  # fmt: skip
    assert said.splitlines()[0] == 'nightly: report("sales", kind="x")'
    assert "0 3 * * mon-fri (Europe/Berlin), from run time by ann" in said
    assert said.count("  next ") == 5
    assert "03:00 Europe/Berlin" in said
    listed = offsider("list").splitlines()
    assert listed[0].split() == ["name", "job", "cron", "zone", "next", "last", "stands"]
    assert listed[1].split()[:2] == ["nightly", "report"]
    assert offsider().splitlines() == listed
    assert "missed runs: all, for 1 m 0 s" in offsider("edit", "nightly", "--missed", "all", "--window", "60")
    assert offsider("pause", "nightly", "--reason", "moving", "--by", "bob") == "nightly: paused\n"
    assert offsider("pause", "nightly", code=1) == "nightly: nothing to do\n"
    assert "paused by" in offsider("list")
    jid = offsider("run", "nightly", "--by", "bob").split()[1]
    assert jid == bench.enqueued("low")[0]["jid"]
    shown = offsider("show", "nightly")
    assert f"{jid} bob" in shown
    assert "paused by" in shown
    assert offsider("resume", "nightly") == "nightly: resumed\n"
    assert offsider("delete", "nightly", "--yes") == "nightly: deleted\n"
    assert "there is no cron entry 'nightly'" in offsider("show", "nightly", code=1)


def test_what_is_wrong_is_said_and_nothing_is_done(bench: CronBench, offsider: Callable[..., str]) -> None:
    bench.crontab.add("nightly", "report", YEARLY)
    assert "no JSON" in offsider("add", "a", "report", YEARLY, "--args", "x", code=2)
    assert "is not a list" in offsider("add", "a", "report", YEARLY, "--args", "{}", code=2)
    assert "is not an object" in offsider("edit", "nightly", "--options", "[]", code=2)
    assert "Did you mean 'nightly'" in offsider("pause", "nightyl", code=1)
    assert "Did you mean 'nightly'" in offsider("run", "nightly", "nightyl", code=1)
    assert bench.enqueued() == [], "all names are looked at first"
    assert "say --yes" in offsider("delete", "nightly", code=2)
    assert "nightly" in bench.crontab


def test_json_for_programs(bench: CronBench, module: None) -> None:
    import json

    bench.crontab.add("nightly", "report", YEARLY)
    cli = Cli()
    cli.commands.add("cron", cron, by="enterprise")

    def told(*words: str) -> Any:
        words = ("cron", *words, "--json", "--app", "crontab_of_a_test:app")
        return json.loads(CliRunner().invoke(build(cli), words, obj=cli).stdout)

    assert told("list")[0]["name"] == "nightly"
    (jid,) = told("run", "nightly").values()
    assert told("show", "nightly")["history"][0]["jid"] == jid
    assert told("pause", "nightly") == {"nightly": True}
    assert told("add", "b", "report", YEARLY)["cron"] == YEARLY
    assert told("test", YEARLY, "-n", "2")["test"][0].endswith("-01-01 00:00:00Z")


def test_five_fields_are_tried_out_without_any_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(*words: str) -> Any:
        return CliRunner().invoke(cron, ["test", *words])

    monkeypatch.setattr("offsider.clock.now_s", lambda: 1_774_700_000.0)
    said = tried("30 2 * * *", "--zone", "Europe/Berlin", "-n", "2").output.splitlines()
    assert said[0] == "test: 30 2 * * * (Europe/Berlin)"
    assert said[1].split() == ["2026-03-29", "01:00:00Z", "Sun", "2026-03-29", "03:00", "Europe/Berlin"]
    assert tried("H H * * *", "--name", "a").output != tried("H H * * *", "--name", "b").output
    assert "Expected five fields" in str(tried("* * * *").exception)


def test_what_an_app_declares_is_checked(bench: CronBench, offsider: Callable[..., str]) -> None:
    assert offsider("test") == "no entry is declared\n"
    bench.app.job(name="sweep", cron="0 0 1 1 *")(lambda: None)
    said = offsider("test", "-n", "1").splitlines()
    assert said[0] == "sweep: 0 0 1 1 * (UTC)"
    assert len(said) == 2
    assert len(bench.crontab) == 0, "nothing is written"

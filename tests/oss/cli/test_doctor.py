"""``offsider doctor``: what it prints, and its exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from offsider import App
from support.cli import told, told_json
from support.server import Server


def test_each_finding_is_a_line_with_its_advice_below(shop: App) -> None:
    lines = told("doctor", code=1).splitlines()
    number = next(k for k, line in enumerate(lines) if "persistence: " in line)
    assert lines[number] == "PROBLEM  persistence: Redis keeps nothing on disk (appendonly no, no snapshots)"
    assert lines[number + 1] == "         When it restarts, all jobs are gone. Set appendonly yes"
    assert any(line.startswith("ok       eviction: ") for line in lines)
    assert any(line.startswith("  redis.url = 'redis://127.0.0.1:") and "OFFSIDER_REDIS_URL" in line for line in lines)
    assert not any("worker.concurrency" in line for line in lines), "defaults only when asked for"


def test_every_setting_when_asked_for(shop: App) -> None:
    assert "  worker.concurrency = 10  (default)" in told("doctor", "--settings", code=1).splitlines()


def test_a_good_server_ends_with_0(
    make_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, shop: App
) -> None:
    monkeypatch.setenv("OFFSIDER_REDIS_URL", make_server("--appendonly", "yes").url)
    assert "PROBLEM" not in told("doctor")
    assert told_json("doctor", "--strict")["level"] == "ok"


def test_strict_counts_warnings(make_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, shop: App) -> None:
    server = make_server("--appendonly", "yes")
    monkeypatch.setenv("OFFSIDER_REDIS_URL", server.url)
    client = server.client()
    client.set("{offsider}:strange", 1)
    client.close()
    assert "WARNING  keys: 1 of 1 keys" in told("doctor")
    assert told_json("doctor", "--strict", code=1)["level"] == "warning"


def test_a_server_that_is_away_is_a_problem_and_no_traceback(shop: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_REDIS_URL", "redis://127.0.0.1:1/0")
    assert told("doctor", code=1).startswith("PROBLEM  redis: redis://127.0.0.1:1/0 does not answer")


SHARDS = '[shards.mail]\nnamespace = "mail"\n[shards.gone]\nurl = "redis://127.0.0.1:1/0"\n'


def test_all_shards_are_looked_at_or_the_one_that_is_named(shop: App, tmp_path: Path) -> None:
    (tmp_path / "offsider.toml").write_text(SHARDS, "utf-8")
    text = told("doctor", code=1)
    own, mail, gone = text.split("\nshard ")
    assert "version: " in own
    assert "'mail'\nok       version: " in f"'{mail[1:]}"
    assert gone.startswith("'gone'\nPROBLEM  redis: redis://127.0.0.1:1/0 does not answer")
    assert text.count("  shards.mail.namespace = ") == 1, "settings are told once"
    found = told_json("doctor", code=1)
    assert (found["level"], found["shards"]["gone"]["level"], set(found["shards"])) == (
        "problem",
        "problem",
        {"mail", "gone"},
    )
    assert "shards" not in told_json("doctor", "--shard", "mail", code=1)
    assert "does not answer" not in told("doctor", "--shard", "mail", code=1)

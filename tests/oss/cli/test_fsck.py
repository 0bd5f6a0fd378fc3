"""``offsider fsck``: what it prints, mends, and its exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.cli.main import main
from offsider.errors import RedisUnavailable
from support.cli import offsider, told, told_json


def test_a_sound_namespace_ends_with_0(shop: App) -> None:
    shop.jobs["welcome"].enqueue(1)
    out = told("fsck")
    assert out.startswith("1 jobs and ")
    assert out.endswith("keys were looked at: all holds\n")
    assert told_json("fsck")["clean"] is True


def test_what_is_broken_is_told_and_mended(shop: App, raw: Any) -> None:
    raw.lpush("{offsider}:bell:mail", 1, 1)
    raw.set("{offsider}:strange", 1)
    out = told("fsck", code=1).splitlines()
    assert "BROKEN  the bell 'bell:mail' has 2 tokens; expected 1 at most" in out
    assert "note    the key 'strange' is nobody's" in out
    assert out[-1] == "0 jobs and 2 keys were looked at: 1 broken (--fix puts 1 of them right)"
    assert told_json("fsck", code=1)["breaches"] == 1
    fixed = told("fsck", "--fix").splitlines()
    assert "mended  the bell 'bell:mail' has 2 tokens; expected 1 at most" in fixed
    assert fixed[-1] == "0 jobs and 2 keys were looked at: 1 put right, 0 broken"
    assert told_json("fsck")["notes"] == 1, "a note alone is clean"


def test_all_shards_are_checked_or_the_one_that_is_named(shop: App, raw: Any, tmp_path: Path) -> None:
    settings = tmp_path / "offsider.toml"
    settings.write_text('[shards.mail]\nnamespace = "mail"\n', "utf-8")
    raw.lpush("{mail}:bell:mail", 1, 1)
    out = told("fsck", code=1)
    assert "0 jobs and 0 keys were looked at: all holds\n\nshard 'mail'\nBROKEN  the bell 'bell:mail'" in out
    found = told_json("fsck", code=1)
    assert (found["breaches"], found["shards"]["mail"]["breaches"]) == (0, 1)
    assert told_json("fsck", "--shard", "mail", code=1)["breaches"] == 1
    assert told_json("fsck", "--fix")["shards"]["mail"]["clean"]
    settings.write_text('[shards.gone]\nurl = "redis://127.0.0.1:1/0"\n', "utf-8")
    assert isinstance(offsider("fsck").exception, RedisUnavailable), "nothing is called sound that was not looked at"


def test_a_server_that_is_away_ends_with_2(
    shop: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OFFSIDER_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(sys, "argv", ["offsider", "fsck"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("RedisUnavailable: ")

"""``offsider why``: the answer as text and as JSON, with and without an app, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from offsider import App
from offsider.cli.why import why
from offsider.errors import RedisUnavailable
from offsider.job.record import dumps

JOBS = """
from offsider import App
app = App({url!r}, namespace="shop", editions=[])
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(why, [*words])


@pytest.fixture
def jid(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that waits in the namespace ``shop``; the app is in ``why_jobs.py`` of this folder."""
    (tmp_path / "why_jobs.py").write_text(JOBS.format(url=redis_url), "utf-8")
    (tmp_path / "offsider.toml").write_text(f'namespace = "shop"\n[redis]\nurl = "{redis_url}"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFSIDER_EDITIONS", "oss")
    monkeypatch.syspath_prepend(str(tmp_path))
    app = App(redis_url, namespace="shop", editions=[])
    made = app.job(name="job", queue="mail")(lambda: None).enqueue()
    app.close()
    assert made is not None
    return made


@pytest.mark.parametrize("words", [["--app", "why_jobs:app"], ["--app", "why_jobs"], [], ["--config", "offsider.toml"]])
def test_a_job_is_explained_by_an_app_or_by_the_settings(words: list[str], jid: str) -> None:
    result = run(jid, *words)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first == f"{jid}: waiting in the queue 'mail', number 1 of 1; number 1 is next"
    assert second.startswith("  * no live worker takes the queue 'mail'")


def test_a_shard_is_asked_instead(jid: str, tmp_path: Path) -> None:
    with (tmp_path / "offsider.toml").open("a") as settings:
        settings.write('[shards.eu]\nnamespace = "eu"\n[shards.here]\nnamespace = "shop"\n')
    assert run(jid, "--shard", "eu").exit_code == 1
    assert run(jid, "--shard", "here").exit_code == 0
    assert "there is no shard 'mars'" in str(run(jid, "--shard", "mars").exception)


def test_shards_are_asked_too_until_it_is_found(jid: str, tmp_path: Path) -> None:
    settings = (tmp_path / "offsider.toml").read_text("utf-8").replace('namespace = "shop"', 'namespace = "empty"')
    shards = '[shards.gone]\nurl = "redis://127.0.0.1:1/0"\n[shards.here]\nnamespace = "shop"\n'
    (tmp_path / "offsider.toml").write_text(settings + shards, "utf-8")
    assert run(jid).stdout.splitlines()[:2][0] == "in shard 'here':"
    assert json.loads(run(jid, "--json").stdout)["shard"] == "here"
    assert isinstance(run("0" * 24).exception, RedisUnavailable), "it may be in the one that is away"
    (tmp_path / "offsider.toml").write_text(settings + '[shards.here]\nnamespace = "shop"\n', "utf-8")
    assert run("0" * 24).stdout.startswith("in none of the 2 Redises of this app:")


def test_json_has_all_of_it(jid: str) -> None:
    found = json.loads(run(jid, "--json").stdout)
    assert (found["place"], found["position"], found["record"]["class"]) == ("queue", 1, "job")
    assert found["reasons"]


def test_what_is_not_found_has_exit_code_1(jid: str) -> None:
    result = run("0" * 24)
    assert (result.exit_code, "it is not in Redis" in result.stdout) == (1, True)
    assert run("0" * 24, "--limit", "1", "--json").exit_code == 1


def test_a_job_says_nothing_to_the_terminal(jid: str, redis_url: str) -> None:
    app = App(redis_url, namespace="shop", editions=[])
    record = {"class": "job", "args": [], "jid": "j1", "error_class": "E", "error_message": "a\x1b[2J\nb"}
    with app.desk.wire() as wire:
        wire.command("ZADD", app.keys.dead, 5, dumps(record))
    app.close()
    lines = run("j1").stdout.splitlines()
    assert lines[-2:] == ["  * attempt 1 failed with E: a\ufffd[2J", "b"]

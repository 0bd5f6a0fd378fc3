"""``offsider deploy mark``: a label, or the last commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from offsider import App
from offsider.cli.deploy import deploy, last_commit
from offsider.cli.main import Cli, build
from offsider.errors import InvalidOption


@pytest.fixture
def run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command in an empty folder."""
    monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(deploy, ["mark", *words])


def commit(folder: Path, subject: str) -> None:
    """A repository with one commit."""
    names = {f"GIT_{who}_{what}": "ann" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", subject)):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


def test_a_label_is_marked_once(run: Any, app: App) -> None:
    assert run("v7").output == "marked: v7\n"
    again = run("v7")
    assert (again.output, again.exit_code) == ("already marked: v7\n", 0)
    assert [mark.label for mark in app.metrics.marks()] == ["v7"]


def test_without_a_label_it_is_the_last_commit(run: Any, app: App, tmp_path: Path) -> None:
    commit(tmp_path, "Tea is sold")
    assert run().exit_code == 0
    (mark,) = app.metrics.marks()
    assert mark.label.endswith(" Tea is sold")
    assert mark.label == last_commit()


def test_where_there_is_no_commit_a_label_is_asked_for(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run()
    assert isinstance(result.exception, InvalidOption)
    assert "say what was deployed" in str(result.exception)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InvalidOption, match="say what was deployed"):
        last_commit()


def test_the_command_is_there() -> None:
    group = build(Cli())
    assert group.get_command(click.Context(group), "deploy") is deploy

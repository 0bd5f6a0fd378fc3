"""What the commands that look and act share: the app that is meant, and the question before what is final."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from offsider.cli.desk import app_options, opened, say_json, sure, yes_option


@click.command()
@yes_option
def risky(yes: bool) -> None:
    """Delete, after a question."""
    sure("delete 3 jobs", yes=yes)
    click.echo("gone")


def test_without_a_terminal_it_is_refused_with_the_way_out() -> None:
    result = CliRunner().invoke(risky, [])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "this would delete 3 jobs" in result.stderr
    assert "--yes" in result.stderr


def test_yes_asks_nothing() -> None:
    assert CliRunner().invoke(risky, ["--yes"]).output == "gone\n"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_at_a_terminal_a_person_decides(answer: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offsider.cli.desk._at_a_terminal", lambda: True)
    result = CliRunner().invoke(risky, [], input=f"{answer}\n")
    assert result.exit_code == code
    assert ("gone" in result.stdout) == (code == 0)
    assert "This will delete 3 jobs. Go on?" in result.stderr


def test_an_app_out_of_the_settings_is_closed_afterwards(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
    with opened(None, None) as app:
        app.connections.admin().ping()
    assert app._connections is None


def test_json_is_one_line_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": "Jérôme"})
    assert capsys.readouterr().out == '{"name": "Jérôme"}\n'


def test_the_options_are_those_of_every_such_command() -> None:
    command = click.command()(app_options(lambda **_given: None))
    assert [option.name for option in command.params] == ["target", "config", "as_json", "shard"]

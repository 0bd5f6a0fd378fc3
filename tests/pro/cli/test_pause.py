"""``offsider pause``, ``resume`` and ``paused``: what they do, what they say, and their exit codes."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from offsider import App
from offsider.cli.main import Cli, build
from offsider.errors import InvalidOption
from offsider_pro import ProEdition
from offsider_pro.cli import apps
from offsider_pro.cli.pause import pause, paused, resume
from offsider_pro.pause import Pauses


@pytest.fixture
def shop(pro: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """An app that ``--app shop`` names."""
    monkeypatch.setattr(apps, "find_app", lambda target, config=None: pro)

    @pro.job(name="welcome", queue="mail")
    def welcome(user: int, locale: str = "en") -> None: ...

    welcome.enqueue(1)
    return pro


def run(command: click.Command, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--app", "shop"], catch_exceptions=False)


def test_a_queue_is_paused_listed_and_resumed(shop: App, raw: Any) -> None:
    result = run(pause, "mail", "--reason", "the provider is down", "--by", "ann")
    assert result.exit_code == 0
    assert result.output.startswith("queue 'mail' is paused since ")
    assert result.output.endswith(" by ann: the provider is down\n")
    assert run(paused).output == result.output
    assert raw.smembers(f"{shop.keys.prefix}paused") == {b"mail"}
    assert run(resume, "mail").output == "queue 'mail': resumed\n"
    assert run(paused).output == "nothing is paused\n"


def test_a_queue_that_nobody_knows_is_paused_and_said(shop: App) -> None:
    result = run(pause, "mial")
    assert result.exit_code == 0
    assert "no job was ever enqueued into the queue 'mial'. Did you mean 'mail'?" in result.output
    assert [one.name for one in Pauses(shop).all()] == ["mial"]


def test_what_is_not_paused_is_said_with_what_is(shop: App) -> None:
    run(pause, "mail")
    result = run(resume, "mial")
    assert result.exit_code == 1
    assert "queue 'mial': not paused" in result.output
    assert "Paused are: queue 'mail'" in result.output


def test_a_class_is_paused_with_arguments_and_resumed(shop: App) -> None:
    assert run(pause, "--class", "welcome", "--where", "locale=de", "--where", "user=7").exit_code == 0
    (found,) = json.loads(run(paused, "--json").output)
    assert found["kind"] == "class"
    assert found["where"] == {"locale": "de", "user": 7}
    assert run(resume, "--class", "welcome", "--where", "locale=de").exit_code == 1
    assert run(resume, "--class", "welcome").output == "jobs 'welcome': resumed\n"


def test_a_misspelt_class_is_an_error(shop: App) -> None:
    with pytest.raises(InvalidOption, match="Did you mean 'welcome'"):
        run(pause, "--class", "welcom")


@pytest.mark.parametrize(
    "words", [[], ["mail", "--class", "welcome"], ["mail", "--where", "a=1"], ["--class", "welcome", "--where", "a"]]
)
def test_a_wrong_use_is_said(shop: App, words: list[str]) -> None:
    assert run(pause, *words).exit_code == 2


def test_the_commands_are_there() -> None:
    cli = Cli()
    ProEdition(license="evaluation").install_cli(cli)
    assert {"delete", "pause", "resume", "paused"} <= set(build(cli).commands)

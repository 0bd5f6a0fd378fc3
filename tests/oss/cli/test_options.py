"""Options of ``offsider worker`` that stand for settings: what is given goes over everything else, and nothing more."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from offsider.cli import worker as module
from offsider.cli.main import Cli, build
from offsider.cli.options import given, with_options
from offsider.contract.setting_option import SettingOption
from offsider.errors import ConfigError, DuplicateName

NO_CENSUS = SettingOption(words=("--no-census",), setting="shop.census", help="Count.", is_flag=True, value=False)
SEATS = SettingOption(words=("-s", "--seats"), setting="shop.seats", help="How many.", type=click.IntRange(1, 9))
CITY = SettingOption(words=("--city",), setting="mail.city", help="Where.", metavar="PLACE")


def settings(*words: str) -> dict[str, Any]:
    """What a command with those options finds, given these words."""
    found: list[dict[str, Any]] = []
    plain = click.Command("walk", callback=click.pass_context(lambda context: found.append(given(context))))
    result = CliRunner().invoke(with_options(plain, [NO_CENSUS, SEATS, CITY]), words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert plain.params == [], "the command itself stays as it was"
    return found[0]


def test_what_is_not_given_sets_nothing() -> None:
    assert settings() == {}


def test_what_is_given_is_sorted_by_sections() -> None:
    assert settings("--no-census", "-s", "3", "--city", "Ulm") == {
        "shop": {"census": False, "seats": 3},
        "mail": {"city": "Ulm"},
    }


def test_what_the_type_refuses_is_told_by_the_word() -> None:
    with pytest.raises(click.BadParameter, match="10 is not in the range") as refused:
        settings("--seats", "10")
    assert "--seats" in refused.value.format_message()


def test_help_shows_them_like_any_other_option() -> None:
    cli = Cli()
    cli.worker_options.add("city", CITY, by="somebody")
    said = CliRunner().invoke(build(cli), ["worker", "--help"], obj=cli).output
    assert "--city PLACE" in said
    assert "Where." in said
    assert "--timeout FLOAT RANGE" in said
    assert "--city" not in CliRunner().invoke(build(Cli()), ["worker", "--help"]).output, (
        "each command line has its own"
    )


def test_two_options_cannot_have_one_name() -> None:
    with pytest.raises(DuplicateName, match="timeout"):
        Cli().worker_options.add("timeout", SEATS, by="somebody")


def test_a_level_may_be_written_small_and_a_setting_of_nobody_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def find(target: str, *, config: str | None, **sections: Any) -> None:
        seen.append(sections)
        raise ConfigError(f"{target} is not found")

    monkeypatch.setattr(module, "find_app", find)
    cli = Cli()
    cli.worker_options.add("no-census", NO_CENSUS, by="somebody")
    words = ["worker", "shop:app", "--log-level", "debug", "-t", "3", "--no-census"]
    assert isinstance(CliRunner().invoke(build(cli), words, obj=cli).exception, ConfigError)
    assert seen == [{"worker": {"log_level": "DEBUG", "shutdown_timeout_s": 3.0}, "shop": {"census": False}}]

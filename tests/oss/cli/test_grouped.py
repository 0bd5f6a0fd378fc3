"""A group lists when it is not told what to do."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from offsider.cli.grouped import Listing


@click.group(cls=Listing)
def things() -> None:
    """Things."""


@things.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_things(as_json: bool) -> None:
    click.echo(f"listed {as_json}")


@things.command("other")
def other() -> None:
    click.echo("other")


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "listed False"), (["--json"], "listed True"), (["list", "--json"], "listed True"), (["other"], "other")],
)
def test_list_is_meant_when_nothing_is_said(words: list[str], said: str) -> None:
    assert CliRunner().invoke(things, words).output == f"{said}\n"


def test_help_is_the_groups_and_a_wrong_name_is_an_error() -> None:
    assert "other" in CliRunner().invoke(things, ["--help"]).output
    assert CliRunner().invoke(things, ["lits"]).exit_code == 2

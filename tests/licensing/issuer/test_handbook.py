"""The two guides: every command of ours in them is one that the tool takes, and what they show is what it says."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from offsider_issuer.cli.main import group
from offsider_issuer.index import Rates
from offsider_issuer.shelf import FOR_SALE
from support.pages import page
from support.vendor import Site, Vendor

HANDBOOK, BUYING = page("docs/guides/vendor.md"), page("docs/guides/buying.md")
READ_ME = page("licensing/issuer/README.md")
COMMANDS = sorted(
    {
        part
        for one in (HANDBOOK, BUYING, READ_ME)
        for block in one.blocks("console")
        for line in block.text.splitlines()
        for part in line.removeprefix("$ ").split(" && ")
        if part.startswith("offsider-issuer ")
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_guides_has_this_name_and_these_options(line: str) -> None:
    words = shlex.split(line)[1:]
    context = click.Context(group, info_name="offsider-issuer")
    if words == ["--help"]:
        return
    command = group.get_command(context, words[0])
    assert command is not None, f"there is no command {words[0]!r}"
    values, left, _order = command.make_parser(click.Context(command, parent=context)).parse_args(words[1:])
    assert not left
    assert all(values.get(str(one.name)) for one in command.params if one.required)


def test_every_command_is_in_the_handbook() -> None:
    assert {line.split()[1] for line in COMMANDS} >= set(group.commands)


def test_the_lists_of_the_handbook_are_complete() -> None:
    text = HANDBOOK.text
    assert all(f"`{project}`" in text for project in FOR_SALE)
    assert {str(int(Rates().key_per_s)), f"{Rates().key_burst:,}"} <= set(re.findall(r"[\d,]+\d", text))
    paths = {cell.strip("` ") for row in HANDBOOK.rows("Serving the index") for cell in row[0].split(",")}
    assert {"/simple/", "/simple/PROJECT/", "/files/WHEEL", "/files/WHEEL.metadata", "/whoami", "/healthz"} <= paths


def test_what_a_key_may_fetch_looks_as_it_is_shown(stocked: Vendor, site: Site) -> None:
    (shown,) = (block.text for block in BUYING.blocks("text") if ", until " in block.text)
    said = site.get("/whoami", stocked.sell("pro")).text

    def shape(text: str) -> list[str]:
        return [
            re.sub(r"(?<=_)[a-z2-7]{16}|[\d.]+|: (Customer of pro|Acme Pty Ltd)$", "#", line)
            for line in text.split("\n")
        ]

    assert shape(said) == shape(shown)

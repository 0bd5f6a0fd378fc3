"""Every command line of the documentation is one that its program takes."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points

import click
import pytest

from offsider.cli.main import Cli, build
from offsider.editions import GROUP
from support.pages import ROOT, Page, pages

PROMPT = re.compile(r"\$ (.*)")
INLINE = re.compile(r"`((?:offsider (?:-|[a-z])|hatch run )[^`…]*)`")
TRAILING_NOTE = re.compile(r"\s{2,}#.*$|\s#\s.*$")


def commands(page: Page) -> Iterator[list[str]]:
    """Every command on a page as words, without variables before it: in ``console`` blocks and in the text."""
    for inline in INLINE.findall(page.prose):
        yield shlex.split(inline)
    for block in page.blocks("console"):
        for line in block.text.splitlines():
            match = PROMPT.match(line)
            if match is None:
                continue
            for part in TRAILING_NOTE.sub("", match[1]).split(" && "):
                words = shlex.split(part)
                while words and re.match(r"[A-Z_]+=", words[0]):
                    words.pop(0)
                yield words


def every_command() -> Cli:
    """The commands of all editions that are installed here."""
    cli = Cli()
    for point in entry_points(group=GROUP):
        point.load()().install_cli(cli)
    return cli


OURS = [(page, words) for page in pages() for words in commands(page) if words[:1] == ["offsider"]]
HATCH = [(page, words) for page in pages() for words in commands(page) if words[:2] == ["hatch", "run"] and words[2:]]


def ids(found: list[tuple[Page, list[str]]]) -> list[str]:
    return [f"{page.name}: {' '.join(words)}" for page, words in found]


@pytest.mark.parametrize(("page", "words"), OURS, ids=ids(OURS))
def test_a_command_of_ours_has_this_name_and_these_options(page: Page, words: list[str]) -> None:
    command: click.Command = build(every_command())
    context = click.Context(command, info_name="offsider")
    options, rest, _order = command.make_parser(context).parse_args(words[1:])
    assert rest or options, "a command, or an option of the whole"
    while isinstance(command, click.Group) and rest:
        name = rest[0]
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
        _options, rest, _order = command.make_parser(context).parse_args(rest[1:])
    assert not rest


@pytest.mark.parametrize(("page", "words"), HATCH, ids=ids(HATCH))
def test_a_command_of_the_house_is_in_hatch_toml(page: Page, words: list[str]) -> None:
    environments = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]
    environment, colon, name = words[2].rpartition(":")
    scripts = environments[environment if colon else "default"]["scripts"]
    assert name in scripts


def test_there_are_commands() -> None:
    assert len(OURS) >= 10
    assert len(HATCH) >= 10

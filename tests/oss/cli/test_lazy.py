"""Commands are imported when they are called, and are listed before as they are."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from offsider.cli.lazy import Lazy, LazyGroup
from offsider.cli.main import LATER
from support.cli import told


@pytest.mark.parametrize("command", LATER, ids=[str(one.name) for one in LATER])
def test_a_command_is_listed_as_it_is(command: Lazy) -> None:
    assert (command.real.name, command.real.short_help) == (command.name, command.short_help)


def test_help_lists_all_of_them_and_imports_none() -> None:
    out = told("--help")
    for command in LATER:
        assert f"  {command.name} " in out
    program = (
        "import sys; sys.argv = ['offsider', '--help']\n"
        "from offsider.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([one for one in sys.modules if one.startswith(('offsider.', 'asyncio', 'pydantic'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "'offsider.cli.worker'" in done.stderr
    for heavy in ("offsider.cli.jobs", "offsider.cli.top", "offsider.app", "offsider.job", "asyncio", "pydantic"):
        assert f"'{heavy}" not in done.stderr


def test_hidden_commands_are_not_listed_and_a_group_without_commands_lists_none() -> None:
    group = LazyGroup("shop", commands=[click.Command("open", hidden=True), click.Command("till", help="Count it.")])
    listed = group.get_help(click.Context(group))
    assert "till  Count it." in listed
    assert "open" not in listed
    assert "Commands" not in LazyGroup("shop").get_help(click.Context(LazyGroup("shop")))

"""The command ``offsider``: its commands, those of editions, and how it says that something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import offsider
from offsider.cli import main as module
from offsider.cli.main import Cli, build, main
from offsider.contract import VERSION
from offsider.contract.edition import Edition
from offsider.errors import DuplicateName, EmbeddedServerError, SeamClosed
from support.processes import Desk


class Printing(Edition):
    """An edition with a command."""

    name = "printing"
    contract = VERSION

    def install_cli(self, cli: Cli) -> None:
        cli.commands.add("print", click.Command("print", callback=self.run, help="Print."), by=self.name)

    @staticmethod
    def run() -> None:
        raise EmbeddedServerError("no paper")


@pytest.fixture
def edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """That edition is the only one that is installed."""
    monkeypatch.setattr(module, "load", lambda _editions: [Printing()])


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the entry point; its exit code."""
    monkeypatch.setattr(sys, "argv", ["offsider", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_the_version_is_the_packages(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"offsider {offsider.__version__}\n"


def test_help_lists_every_command_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], edition: None
) -> None:
    assert run(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    for name, line in {"worker": "Run an app's jobs.", "demo": "A real run on real input", "print": "Print."}.items():
        assert any(one.split()[:1] == [name] and line in one for one in said.splitlines()), said


@pytest.mark.parametrize("words", [["wroker"], ["worker"], ["worker", "a:b", "--nonsense"], ["demo", "a", "b"]])
def test_a_command_line_that_is_wrong_is_one_message_with_exit_code_2(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("Error: ")
    assert said.err.startswith("Usage: offsider")


def test_an_error_of_ours_is_its_name_and_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], edition: None
) -> None:
    assert run(monkeypatch, "print") == 2
    assert capsys.readouterr().err == "EmbeddedServerError: no paper\n"


def test_any_other_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, edition: None) -> None:
    monkeypatch.setattr(Printing, "run", staticmethod(lambda: 1 / 0))
    monkeypatch.setattr(sys, "argv", ["offsider", "print"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_an_edition_that_cannot_be_loaded_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OFFSIDER_EDITIONS", "nonesuch")
    assert run(monkeypatch, "--help") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nonesuch" in line


def test_two_commands_cannot_have_one_name() -> None:
    with pytest.raises(DuplicateName, match="worker"):
        Cli().commands.add("worker", click.Command("worker"), by="somebody")


def test_a_command_that_comes_too_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Cli] = []

    def keep(cli: Cli) -> click.Group:
        made.append(cli)
        return build(cli)

    monkeypatch.setattr(module, "build", keep)
    assert run(monkeypatch, "--help") == 0
    with pytest.raises(SeamClosed):
        made[0].commands.add("late", click.Command("late"), by="somebody")
    with pytest.raises(SeamClosed):
        made[0].process_runner.fill(lambda _make: 0, by="somebody")


def test_a_group_runs_what_an_edition_added() -> None:
    cli = Cli()
    cli.commands.add("hello", click.Command("hello", callback=lambda: click.echo("good day")), by="somebody")
    assert CliRunner().invoke(build(cli), ["hello"], obj=cli).output == "good day\n"


def test_python_m_is_the_same_command(desk: Desk) -> None:
    process = desk.offsider("worker", "nowhere:app")
    assert process.end() == 2
    (line,) = process.log.splitlines()
    assert line.startswith("ConfigError: there is no module 'nowhere'")


def test_help_needs_neither_redis_nor_pydantic() -> None:
    """What makes a command line slow is imported by the commands that need it."""
    program = """
import sys
from offsider.cli.main import main
sys.argv = ["offsider", "--help"]
try:
    main()
finally:
    slow = {"redis", "pydantic", "asyncio", "sqlite3", "rich"} & set(sys.modules)
    assert not slow, slow
"""
    environment = {**os.environ, "OFFSIDER_EDITIONS": "oss"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "worker" in ended.stdout

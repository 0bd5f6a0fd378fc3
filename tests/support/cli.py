"""Runs commands of ``offsider`` in this process, on the server of the test."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from offsider.cli.main import Cli, build


def offsider(*words: str, input: str | None = None) -> Result:
    """``offsider WORDS``, with the errors of commands as its entry point shows them."""
    cli = Cli()
    return CliRunner().invoke(build(cli), list(words), obj=cli, input=input, prog_name="offsider")


def told(*words: str, code: int = 0) -> str:
    """What such a command prints; it ends with this exit code."""
    result = offsider(*words)
    assert result.exit_code == code, f"{result.exit_code}: {result.output}\n{result.exception!r}"
    return result.stdout


def told_json(*words: str, code: int = 0) -> Any:
    """What it prints with ``--json``."""
    return json.loads(told(*words, "--json", code=code))

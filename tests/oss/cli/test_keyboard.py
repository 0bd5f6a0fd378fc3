"""Single keys from a terminal; a terminal that is left as it was."""

from __future__ import annotations

import os
import pty
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from offsider.cli.keyboard import Keyboard, keyboard


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """A terminal that is standard input: what types, and what reads."""
    master, slave = pty.openpty()
    reading = os.fdopen(slave, "r", closefd=False)
    monkeypatch.setattr(sys, "stdin", reading)
    yield master, slave
    reading.close()
    os.close(master)
    os.close(slave)


def test_a_key_is_there_without_enter_and_the_terminal_is_as_before(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    before = termios.tcgetattr(slave)
    with keyboard() as keys:
        assert keys.pressed(0.0) == ""
        os.write(master, b"qx")
        assert (keys.pressed(10.0), keys.pressed(10.0)) == ("q", "x")
    assert termios.tcgetattr(slave) == before


def test_without_a_terminal_no_key_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with keyboard() as keys:
            assert keys.pressed(0.01) == ""


def test_the_end_of_the_input_is_a_q() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert Keyboard(reading).pressed(10.0) == "q"
    os.close(reading)

"""``offsider top``: once, as lines in a pipe, and live on a terminal, which is left as it was."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from typing import Any

import pytest

from offsider import App
from support.cli import told, told_json
from support.processes import Desk
from support.server import Server


def test_once_is_one_look(shop: App) -> None:
    shop.jobs["welcome"].enqueue(1)
    out = told("top", "--once")
    assert "waiting 1 " in out
    assert out.splitlines()[5].split() == ["queue", "size", "latency"]
    assert not any(line.startswith("#") for line in out.splitlines())
    found = told_json("top", "--once")
    assert (found["enqueued"], found["processed_s"], found["processes"]) == (1, None, [])


def test_in_a_pipe_it_is_a_line_every_so_often(shop: App, desk: Desk) -> None:
    shop.jobs["welcome"].enqueue(1)
    process = desk.offsider("top", "--every", "0.5", OFFSIDER_EDITIONS="oss").logs("waiting 1 (", times=3)
    process.tell("INT")
    assert process.end() == 0
    assert "Traceback" not in process.log
    assert "\x1b" not in process.log
    first, second = process.log.splitlines()[:2]
    assert "/s)" not in first
    assert "processed 0 (0.0/s)" in second


def test_json_is_an_object_a_line(shop: App, desk: Desk) -> None:
    process = desk.offsider("top", "--json", "--every", "0.5", OFFSIDER_EDITIONS="oss").logs('"enqueued": 0', times=2)
    process.tell("INT")
    assert process.end() == 0
    assert json.loads(process.log.splitlines()[0])["enqueued"] == 0


class Terminal:
    """A command on a terminal of 100 columns and 30 lines."""

    def __init__(self, url: str, *words: str) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (30, 100))
        self.before = termios.tcgetattr(self.master)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
        environment = {**clean, "OFFSIDER_REDIS_URL": url, "OFFSIDER_EDITIONS": "oss", "TERM": "xterm-256color"}
        command = [sys.executable, "-m", "offsider", *words]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def shows(self, text: str, timeout_s: float = 40) -> None:
        """Wait until it has written this."""
        end_s = time.monotonic() + timeout_s
        while text not in self.seen:
            assert time.monotonic() < end_s, f"it did not show {text!r}: {self.seen[-2000:]!r}"
            if select.select([self.master], [], [], 0.5)[0]:
                self.seen += os.read(self.master, 65_536).decode("utf-8", "replace")

    def press(self, key: str) -> None:
        """One key."""
        os.write(self.master, key.encode())

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(redis_url: str) -> Any:
    """``offsider top`` on a terminal."""
    one = Terminal(redis_url, "top", "--every", "30")
    yield one
    one.close()


def test_on_a_terminal_it_is_live_and_q_ends_it(shop: App, terminal: Terminal) -> None:
    pytest.importorskip("rich")
    terminal.shows("q ends it")
    assert "waiting 0 " in terminal.seen
    assert "\x1b[?1049h" in terminal.seen, "the other screen"
    shop.jobs["welcome"].enqueue(1)
    terminal.press(" ")
    terminal.shows("waiting 1 ")
    terminal.press("q")
    terminal.shows("\x1b[?1049l")
    assert terminal.process.wait(20) == 0
    assert termios.tcgetattr(terminal.master) == terminal.before
    assert "Traceback" not in terminal.seen


def test_redis_may_go_away_and_come_back(desk: Desk, make_server: Any) -> None:
    server: Server = make_server()
    process = desk.offsider("top", "--every", "0.5", OFFSIDER_EDITIONS="oss", OFFSIDER_REDIS_URL=server.url).logs(
        "waiting 0"
    )
    server.kill()
    process.logs("RedisUnavailable: ")
    count = process.log.count("waiting 0")
    server.start()
    process.logs("waiting 0", times=count + 1)
    process.tell("INT")
    assert process.end() == 0

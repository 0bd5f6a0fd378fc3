"""A companion speaks for its worker while that lives and answers, and says what it has died of."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.testing.proxy import Proxy
from offsider_pro.reliable.companion import LEAVE, SAID, SIGN, Companion, Order
from support.waiting import until

PREFIX = "{offsider}:"
IDENTITY = "host:1:abc"
OWNER = f"{IDENTITY}/default/1"


class Stage:
    """A worker's process that only waits, its companion on a thread of this one, and what lies in Redis."""

    def __init__(self, raw: Any, url: str, **order: Any) -> None:
        self.raw = raw
        self.worker = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        self.post, theirs = socket.socketpair()
        given = {"guard_s": 1.0, "hang_s": 60.0, **order}
        self.order = Order(
            url, "offsider", 5.0, IDENTITY, self.worker.pid, alone=True, log_level="INFO", log_format="json", **given
        )
        raw.zadd(f"{PREFIX}owners", {OWNER: time.time() * 1000 + 60_000})
        self.thread = threading.Thread(target=Companion(theirs, Order.loads(self.order.dumps())).run, daemon=True)
        self.thread.start()
        self._theirs = theirs

    @property
    def says(self) -> bool:
        """True while it says that the worker lives."""
        return (self.raw.zscore(f"{PREFIX}guards", IDENTITY) or 0) > time.time() * 1000

    @property
    def cause(self) -> str | None:
        """What it has said of the worker's end."""
        found = self.raw.hget(f"{PREFIX}death:{IDENTITY}", "cause")
        return None if found is None else str(json.loads(found)["text"])

    @property
    def has_lease(self) -> bool:
        """True while the worker's lease holds."""
        return bool(self.raw.zscore(f"{PREFIX}owners", OWNER) > 1)

    def is_given_up(self) -> bool:
        """True once its end is told; until then nobody else may take it for lost."""
        look = self.raw.pipeline().zscore(f"{PREFIX}guards", IDENTITY).time()
        until_ms, (seconds, micros), cause = look.hget(f"{PREFIX}death:{IDENTITY}", "cause").execute()
        assert cause or until_ms > seconds * 1000 + micros / 1000, "another worker could have taken it for lost"
        return cause is not None

    def close(self) -> None:
        self.worker.kill()
        self.worker.wait()
        self.post.close()
        self.thread.join(10)
        assert not self.thread.is_alive(), "it ends with its worker"


@pytest.fixture
def make_stage(raw: Any, redis_url: str) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(url: str | None = None, **order: Any) -> Stage:
        made.append(Stage(raw, url or redis_url, **order))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_it_speaks_while_its_worker_lives_and_says_what_that_has_died_of(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    until(lambda: stage.says, 10)
    stage.post.settimeout(10)
    assert stage.post.recv(10).startswith(SAID)
    stage.worker.kill()
    until(lambda: stage.cause, 10)
    assert stage.cause in (
        "killed by SIGKILL",
        "gone without a word: killed, or ended by itself; this system does not say which",
    )
    assert not stage.has_lease
    assert stage.raw.zscore(f"{PREFIX}guards", IDENTITY) == 0, "whoever looks next gives its jobs back"


def test_an_interpreter_that_does_not_answer_for_too_long_is_taken_for_frozen(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(hang_s=1.0)
    until(lambda: stage.says, 10)
    until(lambda: stage.cause, 20)
    assert stage.cause is not None
    assert stage.cause.startswith("hanging: one job kept the interpreter to itself for ")
    assert not stage.has_lease
    stage.post.sendall(SIGN)
    until(lambda: stage.says, 10, "it answers again")


def test_one_that_stands_still_is_spoken_for_until_its_companion_gives_it_up(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(guard_s=3.0)  # so that a machine that has much to do lets it speak in time
    until(lambda: stage.says, 10)
    stage.worker.send_signal(signal.SIGSTOP)
    until(stage.is_given_up, 20)
    assert stage.cause == "frozen: it was stopped by a signal or a debugger"
    assert not stage.has_lease
    stage.worker.send_signal(signal.SIGCONT)
    until(lambda: stage.says, 10, "it goes on")


@pytest.mark.parametrize("how", ["told", "let go"])
def test_a_worker_that_goes_in_order_is_no_death(make_stage: Callable[..., Stage], how: str) -> None:
    stage = make_stage()
    until(lambda: stage.says, 10)
    if how == "told":
        stage.post.sendall(LEAVE)
    else:
        stage.post.shutdown(socket.SHUT_RDWR)
    stage.thread.join(10)
    assert not stage.raw.exists(f"{PREFIX}guards", f"{PREFIX}deaths")
    assert stage.has_lease


def test_a_death_while_redis_is_away_is_told_when_it_is_back(make_stage: Callable[..., Stage], app: App) -> None:
    proxy = Proxy(app.url)
    stage = make_stage(proxy.url)
    until(lambda: stage.says, 10)
    proxy.cut()
    stage.worker.kill()
    stage.worker.wait()
    assert not threading.Event().wait(0.3)
    proxy.mend()
    until(lambda: stage.cause, 20)
    assert not stage.has_lease
    proxy.close()

"""Connections are lent for one question, kept for the next, and bounded."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import pytest

from offsider import App
from offsider.api.desk import MOST_IDLE, Desk, told
from offsider.errors import RedisRefused


def test_a_connection_is_used_again_and_few_are_kept(app: App, raw: Any) -> None:
    desk = Desk(app.connections)
    with desk.wire() as first:
        first.command("PING")
    with desk.wire() as second:
        assert second is first
    with ExitStack() as stack:
        lent = [stack.enter_context(desk.wire()) for _ in range(MOST_IDLE + 3)]
        assert len({*map(id, lent)}) == MOST_IDLE + 3
    assert len(desk._idle) == MOST_IDLE
    desk.close()
    assert desk._idle == []


def test_an_app_that_was_closed_opens_others(app: App) -> None:
    assert len(app.dead) == 0
    app.close()
    assert len(app.dead) == 0


def test_many_threads_ask_at_once(app: App) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.extend(len(app.dead) for _ in range(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [0] * 160


def test_a_key_of_another_type_is_told_with_what_to_do(app: App, raw: Any) -> None:
    raw.set("odd", "mine")
    desk = Desk(app.connections)
    with pytest.raises(RedisRefused, match=r"another type .*choose another namespace"), desk.wire() as wire:
        wire.command("LLEN", "odd")
    with desk.wire() as wire:
        assert told(wire, 7, "LLEN", "odd") == 7
    with pytest.raises(ZeroDivisionError), desk.wire():
        raise ZeroDivisionError
    desk.close()

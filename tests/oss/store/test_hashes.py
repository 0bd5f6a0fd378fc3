"""Many hashes in few requests: as `hashes.lua` tells of them, in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from offsider.store.connection import Connections
from offsider.store.hashes import mapped, read, requests
from offsider.store.wire import Wire


@pytest.fixture
def connections(redis_url: str) -> Iterator[Connections]:
    one = Connections(redis_url)
    yield one
    one.close()


@pytest.fixture
def wire(connections: Connections) -> Iterator[Wire]:
    one = connections.wire("test", read_timeout_s=10)
    yield one
    one.close()


@pytest.fixture
def keys(raw: Any) -> list[str]:
    names = [f"hash:{k}" for k in range(5)]
    for k, name in enumerate(names):
        raw.hset(name, mapping={"number": k, "other": 0})
    return names


@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_they_come_in_the_order_of_their_keys_however_many_in_one_request(
    wire: Wire, keys: list[str], at_once: int
) -> None:
    assert read(wire, keys, ["number"], at_once=at_once) == [[b"%d" % k] for k in range(5)]
    assert [mapped(one)[b"number"] for one in read(wire, keys, at_once=at_once)] == [b"%d" % k for k in range(5)]


def test_of_none_nothing_is_asked(wire: Wire) -> None:
    wire.close()
    assert read(wire, []) == []


def test_a_pipeline_has_the_same_replies_part_by_part(connections: Connections, keys: list[str]) -> None:
    pipe: Any = connections.admin().pipeline(transaction=False)
    for command in requests(keys, ["number"], at_once=2):
        pipe.execute_command(*command)
    assert pipe.execute() == [[[b"0"], [b"1"]], [[b"2"], [b"3"]], [[b"4"]]]

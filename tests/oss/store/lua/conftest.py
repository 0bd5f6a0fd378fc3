"""A server of the scripts' own: it is filled up, so that nobody else uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.lua import Lua
from support.server import Server


@pytest.fixture(scope="session")
def script_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server on which scripts are run by themselves."""
    one = Server(tmp_path_factory.mktemp("scripts"), "--appendonly", "no").start()
    yield one
    one.stop()


@pytest.fixture
def lua(script_server: Server) -> Iterator[Lua]:
    """That server, empty."""
    client = script_server.client()
    client.config_set("maxmemory", 0)
    client.flushall()
    yield Lua(client)
    client.close()

"""The wires: nothing is resent, any doubt drops the connection, the next use connects anew."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from offsider.errors import RedisRefused, RedisUnavailable
from offsider.store.connection import Connections
from offsider.store.scripts import Script
from offsider.store.wire import Wire
from offsider.testing.proxy import Proxy
from support.server import Server, free_port
from support.waiting import until

MakeServer = Callable[..., Server]
ECHO = Script.of("echo", "return {KEYS[1], ARGV[1]}")
BROKEN = Script.of("broken", "return redis.call('INCR', KEYS[1])")


@pytest.fixture
def wire(redis_url: str) -> Iterator[Wire]:
    one = Connections(redis_url).wire("test", read_timeout_s=10)
    yield one
    one.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    one = Proxy(redis_url)
    yield one
    one.close()


def client_ids(raw: Any) -> set[str]:
    """The connections that the server knows, but the looking one."""
    me = str(raw.client_id())
    return {one["id"] for one in raw.client_list() if one["id"] != me}


# -- scripts and commands --------------------------------------------------------------------------------------


def test_a_script_is_run_whether_or_not_the_server_knows_it(wire: Wire, raw: Any) -> None:
    assert wire.run(ECHO, ["k"], [b"\x00\xff"]) == [b"k", b"\x00\xff"]
    assert wire.run(ECHO, ["k"], ["again"]) == [b"k", b"again"]
    raw.script_flush()
    assert wire.run(ECHO, ["k"], ["after a flush"]) == [b"k", b"after a flush"]


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return 7", 7),
        ("return -1", -1),
        ("return false", None),
        ("return ''", b""),
        ("return {}", []),
        ("return redis.status_reply('FINE')", b"FINE"),
        ("return {1, {b = 2}, {'x', {}}}", [1, [], [b"x", []]]),
        ("return string.rep('x', 1000000)", b"x" * 1_000_000),
        ("local t = {} for i = 1, 7000 do t[i] = tostring(i) end return t", [b"%d" % i for i in range(1, 7001)]),
    ],
)
def test_a_reply_of_each_kind_and_length_comes_as_it_is(wire: Wire, script: str, reply: Any) -> None:
    made = Script.of("made", script)
    assert [wire.run(made, [], []), wire.run(made, [], [])] == [reply, reply]
    assert wire.command("PING") == b"PONG"


def test_a_connection_is_opened_at_the_first_use_and_kept(redis_url: str, raw: Any) -> None:
    wire = Connections(redis_url).wire("test", read_timeout_s=10)
    before = client_ids(raw)
    assert [wire.command("PING"), wire.command("PING")] == [b"PONG", b"PONG"]
    assert len(client_ids(raw) - before) == 1
    wire.close()


def test_a_clear_no_is_refused_and_keeps_the_connection(wire: Wire, raw: Any) -> None:
    ident = wire.command("CLIENT", "ID")
    raw.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(RedisRefused, match="nothing was changed"):
            wire.command("SET", "k", "1")
    finally:
        raw.config_set("min-replicas-to-write", 0)
    assert wire.command("CLIENT", "ID") == ident


def test_a_defect_of_this_program_is_told_as_it_is(wire: Wire, raw: Any) -> None:
    raw.set("k", "text")
    with pytest.raises(redis.ResponseError, match="not an integer"):
        wire.run(BROKEN, ["k"], [])
    assert wire.command("PING") == b"PONG"


def test_a_server_that_became_a_replica_is_left(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    client: Any = server.client()
    wire = Connections(server.url).wire("test", read_timeout_s=10)
    ident = wire.command("CLIENT", "ID")
    client.replicaof("127.0.0.1", free_port())
    with pytest.raises(RedisUnavailable, match="read only"):
        wire.command("SET", "k", "1")
    client.execute_command("REPLICAOF", "NO", "ONE")
    assert wire.command("CLIENT", "ID") != ident
    wire.close()
    client.close()


# -- doubt -----------------------------------------------------------------------------------------------------


def test_a_command_whose_reply_was_lost_is_not_resent(proxy: Proxy, raw: Any) -> None:
    wire = Connections(proxy.url).wire("test", read_timeout_s=10)
    wire.command("PING")
    proxy.lose_reply()
    with pytest.raises(RedisUnavailable, match="Redis is away"):
        wire.command("LPUSH", "list", "once")
    assert raw.lrange("list", 0, -1) == [b"once"]
    assert wire.command("LLEN", "list") == 1
    wire.close()


def test_an_outage_is_an_error_and_the_next_use_connects_anew(proxy: Proxy) -> None:
    wire = Connections(proxy.url).wire("test", read_timeout_s=10)
    wire.command("PING")
    proxy.cut()
    for _attempt in range(2):
        with pytest.raises(RedisUnavailable):
            wire.command("PING")
    proxy.mend()
    assert wire.command("PING") == b"PONG"
    wire.close()


def test_no_answer_in_time_drops_the_connection_so_that_a_late_reply_is_nobodys(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    wire = Connections(server.url).wire("test", read_timeout_s=0.2)
    wire.command("SET", "k", "late")
    server.freeze()
    with pytest.raises(RedisUnavailable):
        wire.command("GET", "k")
    server.thaw()
    assert wire.command("ECHO", "mine") == b"mine"
    wire.close()


def test_nobody_at_the_port_is_told_in_time() -> None:
    wire = Connections(f"redis://127.0.0.1:{free_port()}/0", connect_timeout_s=1).wire("test", read_timeout_s=1)
    with pytest.raises(RedisUnavailable, match="Redis is away"):
        wire.command("PING")


def test_a_call_that_waits_is_aborted_from_another_thread(wire: Wire) -> None:
    waiting = threading.Event()
    errors: list[BaseException] = []

    def wait() -> None:
        wire.command("PING")
        waiting.set()
        try:
            wire.command("BLPOP", "nothing", 20)
        except RedisUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(5)
    until(lambda: (wire.abort(), not thread.is_alive())[1], 5)
    assert len(errors) == 1
    assert wire.command("PING") == b"PONG"


def test_a_closed_wire_stays_closed(wire: Wire) -> None:
    wire.command("PING")
    wire.close()
    wire.close()
    with pytest.raises(RedisUnavailable, match="'test' is closed"):
        wire.command("PING")


def test_a_wire_that_is_closed_while_it_connects_stays_closed(
    wire: Wire, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client_ids(raw)
    connecting, go_on = threading.Event(), threading.Event()
    errors: list[BaseException] = []
    make = wire._pool.make_connection

    def make_slowly() -> Any:
        connection: Any = make()
        connecting.set()
        assert go_on.wait(10)
        return connection

    def wait() -> None:
        try:
            wire.command("BLPOP", "nothing", 5)
        except RedisUnavailable as error:
            errors.append(error)

    monkeypatch.setattr(wire._pool, "make_connection", make_slowly)
    thread = threading.Thread(target=wait)
    thread.start()
    assert connecting.wait(5)
    wire.close()
    go_on.set()
    thread.join(2)
    assert len(errors) == 1
    assert client_ids(raw) == before
    raw.lpush("nothing", "the end of the test")
    thread.join(5)


def test_a_forked_child_has_a_connection_of_its_own(wire: Wire, redis_url: str) -> None:
    connections = Connections(redis_url)
    mine = int(wire.command("CLIENT", "ID"))
    admin = connections.admin()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            its = wire.command("CLIENT", "ID")
            os.write(writing, b"%d %d" % (its, connections.admin() is not admin))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    its, is_new = os.read(reading, 100).split()
    assert int(its) != mine
    assert int(wire.command("CLIENT", "ID")) == mine
    assert is_new == b"1"
    assert connections.admin() is admin
    os.close(reading)
    os.close(writing)


# -- on an event loop ----------------------------------------------------------------------------------------------


def test_a_script_is_run_on_a_loop_whether_or_not_the_server_knows_it(redis_url: str) -> None:
    async def act() -> list[Any]:
        wire = Connections(redis_url).awire("test", read_timeout_s=10)
        replies = [await wire.run(ECHO, ["k"], ["1"]), await wire.run(ECHO, ["k"], ["2"])]
        await wire.close()
        return replies

    assert asyncio.run(act()) == [[b"k", b"1"], [b"k", b"2"]]


def test_on_a_loop_a_command_whose_reply_was_lost_is_not_resent(proxy: Proxy, raw: Any) -> None:
    async def act() -> None:
        wire = Connections(proxy.url).awire("test", read_timeout_s=10)
        await wire.command("PING")
        proxy.lose_reply()
        with pytest.raises(RedisUnavailable):
            await wire.command("LPUSH", "list", "once")
        assert await wire.command("LLEN", "list") == 1
        await wire.close()

    asyncio.run(act())
    assert raw.lrange("list", 0, -1) == [b"once"]


def test_a_cancelled_call_drops_the_connection_whose_reply_may_still_come(redis_url: str, raw: Any) -> None:
    async def act() -> None:
        wire = Connections(redis_url).awire("test", read_timeout_s=10)
        ident = await wire.command("CLIENT", "ID")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.command("BLPOP", "list", 20), 0.1)
        raw.lpush("list", "late")
        assert await wire.command("ECHO", "mine") == b"mine"
        assert await wire.command("CLIENT", "ID") != ident
        await wire.close()

    asyncio.run(act())


def test_on_a_loop_refusals_and_defects_are_told_apart(redis_url: str, raw: Any) -> None:
    async def act() -> None:
        wire = Connections(redis_url).awire("test", read_timeout_s=10)
        with pytest.raises(redis.ResponseError, match="not an integer"):
            await wire.run(BROKEN, ["text"], [])
        raw.config_set("min-replicas-to-write", 1)
        try:
            with pytest.raises(RedisRefused):
                await wire.command("SET", "k", "1")
        finally:
            raw.config_set("min-replicas-to-write", 0)
        await wire.close()

    raw.set("text", "text")
    asyncio.run(act())


def test_on_a_loop_a_server_that_is_gone_is_revived_without_blocking_it(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    revived_by: list[str] = []

    def revive() -> None:
        revived_by.append(threading.current_thread().name)
        server.restart()

    async def act() -> None:
        wire = Connections(server.url, revive=revive).awire("test", read_timeout_s=10)
        server.kill()
        assert await wire.command("PING") == b"PONG"
        await wire.close()

    asyncio.run(act())
    assert len(revived_by) == 1
    assert revived_by[0] != threading.main_thread().name


# -- an embedded server that has ended ---------------------------------------------------------------------------


def test_a_server_that_is_gone_is_revived_before_the_other_try(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    revived: list[int] = []

    def revive() -> None:
        revived.append(1)
        server.restart()

    connections = Connections(server.url, revive=revive)
    wire = connections.wire("test", read_timeout_s=10)
    wire.command("PING")
    server.kill()
    with pytest.raises(RedisUnavailable):
        wire.command("PING")
    assert revived == [], "what was on its way is not repeated"
    assert wire.command("PING") == b"PONG"
    assert revived == [1]
    wire.close()


def test_a_server_that_cannot_be_revived_is_away() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    wire = Connections(url, connect_timeout_s=1, revive=lambda: None).wire("test", read_timeout_s=1)
    with pytest.raises(RedisUnavailable):
        wire.command("PING")

"""What an error means: every trouble that a real server can make, and the texts of servers that are not here."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis._parsers.base import BaseParser
from redis.backoff import NoBackoff
from redis.retry import Retry

from offsider.errors import JobError, RedisRefused, RedisUnavailable
from offsider.store.classify import Trouble, as_store_error, classify, store_errors
from support.server import Server, free_port
from support.waiting import until

MakeServer = Callable[..., Server]
WRITE = "return redis.call('SET', KEYS[1], '1')"


def error_of(act: Callable[[], object]) -> Exception:
    """What a call raises."""
    try:
        result = act()
    except Exception as error:
        return error
    raise AssertionError(f"no error but {result!r}")


@pytest.fixture
def own(make_server: MakeServer) -> Iterator[Any]:
    """A client of a server that may be brought into trouble."""
    server = make_server("--appendonly", "no")
    client = server.client()
    yield client
    client.close()


def writes(client: Any) -> list[Callable[[], object]]:
    """A write by itself, and one inside a script, whose error some servers wrap."""
    return [lambda: client.set("k", "1"), lambda: client.eval(WRITE, 1, "k")]


def all_kinds(client: Any) -> set[Trouble]:
    return {classify(error_of(write)) for write in writes(client)}


def test_a_full_server_refuses(own: Any) -> None:
    own.config_set("maxmemory", 1)
    assert all_kinds(own) == {Trouble.REFUSED}


def test_a_server_without_enough_replicas_refuses(own: Any) -> None:
    own.config_set("min-replicas-to-write", 1)
    assert all_kinds(own) == {Trouble.REFUSED}


def test_a_server_that_cannot_persist_refuses(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    client: Any = server.client()
    client.config_set("save", "3600 1")
    shutil.rmtree(server.folder)
    client.bgsave()
    until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 10)
    assert all_kinds(client) == {Trouble.REFUSED}
    client.close()


def test_a_replica_is_away_until_a_new_connection_finds_the_master(own: Any) -> None:
    own.config_set("replica-serve-stale-data", "yes")
    own.replicaof("127.0.0.1", free_port())
    assert all_kinds(own) == {Trouble.AWAY}
    own.config_set("replica-serve-stale-data", "no")
    assert classify(error_of(lambda: own.get("k"))) is Trouble.AWAY, "MASTERDOWN"


def test_who_is_not_let_in_or_may_not_do_it_is_refused(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    client: Any = server.client()
    client.execute_command("ACL", "SETUSER", "small", "on", ">secret", "~*", "+@read", "+eval")
    small: Any = redis.Redis(port=server.port, username="small", password="secret")
    assert {classify(error_of(write)) for write in writes(small)} == {Trouble.REFUSED}
    wrong = redis.Redis(port=server.port, username="small", password="wrong", retry=Retry(NoBackoff(), 0))
    assert classify(error_of(lambda: wrong.get("k"))) is Trouble.REFUSED
    client.config_set("requirepass", "secret")
    stranger = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0))
    assert classify(error_of(lambda: stranger.get("k"))) is Trouble.REFUSED
    for one in (client, small, wrong, stranger):
        one.close()


def test_a_server_that_is_busy_with_a_script_is_away(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no", "--lua-time-limit", "20")
    busy: Any = server.client()
    other: Any = server.client()
    thread = threading.Thread(target=lambda: error_of(lambda: busy.eval("while true do end", 0)))
    thread.start()
    until(lambda: "BUSY" in str(_error_or_none(other)), 10, "the script holds the server")
    assert classify(error_of(lambda: other.get("k"))) is Trouble.AWAY
    other.script_kill()
    thread.join(10)
    for one in (busy, other):
        one.close()


def _error_or_none(client: Any) -> Exception | None:
    try:
        client.get("k")
    except redis.ResponseError as error:
        return error
    return None


def test_a_call_that_was_unblocked_is_away(redis_url: str) -> None:
    waiting: Any = redis.Redis.from_url(redis_url, single_connection_client=True, retry=Retry(NoBackoff(), 0))
    other: Any = redis.Redis.from_url(redis_url)
    errors: list[Exception] = []
    ident = waiting.client_id()
    thread = threading.Thread(target=lambda: errors.append(error_of(lambda: waiting.execute_command("BLPOP", "k", 20))))
    thread.start()
    until(lambda: other.client_unblock(ident, error=True), 10)
    thread.join(10)
    assert [classify(error) for error in errors] == [Trouble.AWAY]
    waiting.close()
    other.close()


def test_an_unknown_script_is_to_be_loaded(raw: Any) -> None:
    assert classify(error_of(lambda: raw.evalsha("0" * 40, 0))) is Trouble.NOSCRIPT


def test_nobody_at_the_port_and_no_answer_in_time_is_away(make_server: MakeServer) -> None:
    server = make_server("--appendonly", "no")
    hasty = redis.Redis(port=server.port, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
    hasty.ping()
    server.freeze()
    assert classify(error_of(hasty.ping)) is Trouble.AWAY
    server.thaw()
    server.kill()
    assert classify(error_of(hasty.ping)) is Trouble.AWAY
    hasty.close()


@pytest.mark.parametrize("words", [("INCRBY", "list", "1"), ("NOSUCHCOMMAND",), ("GET",), ("EVAL", "boom(", "0")])
def test_what_this_program_does_wrong_is_no_trouble_of_redis(raw: Any, words: tuple[str, ...]) -> None:
    raw.lpush("list", "1")
    error = error_of(lambda: raw.execute_command(*words))
    assert classify(error) is Trouble.OURS
    assert as_store_error(error) is None


AWAY = [
    "LOADING Redis is loading the dataset in memory",
    "FAILOVER in progress",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN Hash slot not served",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "READONLY You can't write against a read only replica.",
    "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write against a read only replica.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "UNBLOCKED client unblocked via CLIENT UNBLOCK",
    "ERR max number of clients reached",
]
REFUSED = [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "ERR Error running script (call to f_1): @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "NOREPLICAS Not enough good replicas to write.",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM this user has no permissions to run the 'set' command",
    "NOPERM User small has no permissions to access one of the keys used as arguments",
    "ERR The user executing the script can't run this command or subcommand script: on @user_script:1.",
]
OURS = [
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "ERR value is not an integer or out of range",
]
ELSEWHERE = [
    "MOVED 3999 127.0.0.1:6381",
    "ASK 3999 127.0.0.1:6381",
    "CROSSSLOT Keys in request don't hash to the same slot",
]
TEXTS = [
    *((text, Trouble.AWAY) for text in AWAY),
    *((text, Trouble.REFUSED) for text in REFUSED),
    *((text, Trouble.OURS) for text in OURS),
    *((text, Trouble.ELSEWHERE) for text in ELSEWHERE),
    ("NOSCRIPT No matching script. Please use EVAL.", Trouble.NOSCRIPT),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_what_redis_py_makes_of_a_text_is_known(text: str, expected: Trouble) -> None:
    error = BaseParser.parse_error(text)
    assert classify(error) is expected, type(error)


@pytest.mark.parametrize(("text", "expected"), [one for one in TEXTS if not one[0].startswith("ERR max")])
def test_the_bare_text_is_known_where_redis_py_has_no_class_for_it(text: str, expected: Trouble) -> None:
    assert classify(redis.ResponseError(text)) is expected


def test_a_word_of_trouble_inside_of_a_users_value_is_none() -> None:
    assert classify(redis.ResponseError("unknown command 'NOOOM', with args beginning with: 'x'")) is Trouble.OURS
    assert classify(ValueError("OOM")) is Trouble.OURS


def test_errors_of_redis_become_ours_with_their_cause(raw: Any) -> None:
    with pytest.raises(RedisRefused, match="nothing was changed") as refused, store_errors():
        raise redis.OutOfMemoryError("OOM command not allowed")
    assert isinstance(refused.value.__cause__, redis.OutOfMemoryError)
    with pytest.raises(RedisUnavailable, match="TimeoutError"), store_errors():
        raise redis.TimeoutError("Timeout reading from socket")


def test_our_own_errors_and_defects_pass_unchanged() -> None:
    for error in (RedisUnavailable("away"), JobError("job"), ValueError("defect")):
        with pytest.raises(type(error)) as raised, store_errors():
            raise error
        assert raised.value is error

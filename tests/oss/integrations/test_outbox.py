"""The relay as a process that is really killed, at each of its steps: what it had in hand is in Redis once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.integrations.outbox import Relay, row
from offsider.job.push import PushRequest
from offsider.testing.proxy import Proxy
from support.relays import DEATHS

pytest.importorskip("sqlalchemy")
from sqlalchemy import MetaData, create_engine, insert
from sqlalchemy.dialects import mysql, postgresql

from offsider.integrations.sqlalchemy import outbox_table
from offsider.integrations.sqlalchemy.outbox import SqlTable

RELAY = """
import os, signal, sys
from types import SimpleNamespace
from sqlalchemy import MetaData, create_engine
from offsider import App
from offsider.integrations.outbox import Relay
from offsider.integrations.sqlalchemy import outbox_table
from offsider.integrations.sqlalchemy.outbox import SqlTable

url, path, when, step = sys.argv[1:]
app = App(url, editions=[])
table = SqlTable(create_engine("sqlite:///" + path), outbox_table(MetaData()))

def fatal(call):
    def last(*args, **kwargs):
        if when == "after":
            call(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    return last

client = SimpleNamespace(push_once=app.client.push_once)
rows = SimpleNamespace(take=table.take, forget=table.forget, close=table.close)
for owner in (client, rows):
    if hasattr(owner, step):
        setattr(owner, step, fatal(getattr(owner, step)))
Relay(SimpleNamespace(client_at=lambda _shard: client), rows).bring()
"""


class Outbox:
    """A table in a file, written as a transaction would write it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = create_engine(f"sqlite:///{path}")
        metadata = MetaData()
        self.table = outbox_table(metadata)
        metadata.create_all(self.engine)
        self.rows = SqlTable(self.engine, self.table)

    def write(self, app: App, count: int) -> None:
        """Write jobs of one transaction."""

        @app.job(name="note", queue="notes")
        def note(n: int) -> None: ...

        self.keep(app, [note.request(n) for n in range(count)])

    def keep(self, app: App, requests: list[PushRequest]) -> None:
        """The rows of these requests."""
        with self.engine.begin() as connection:
            rows = [dict(zip(("payload", "at_s", "shard"), row(app, one), strict=True)) for one in requests]
            connection.execute(insert(self.table), rows)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An empty one."""
    return Outbox(tmp_path / "db.sqlite3")


def bring_all(app: App, rows: Any) -> None:
    """Whatever is left."""
    relay = Relay(app, rows)
    while relay.bring():
        pass


@pytest.mark.parametrize("death", DEATHS)
def test_killed_at_any_step_nothing_is_lost_and_nothing_doubled(
    app: App, outbox: Outbox, redis_url: str, raw: Any, death: str
) -> None:
    outbox.write(app, 3)
    command = [sys.executable, "-c", RELAY, redis_url, str(outbox.path), *death.split()]
    died = subprocess.run(command, env={**os.environ, "OFFSIDER_EDITIONS": "oss"}, timeout=60)
    assert died.returncode == -signal.SIGKILL
    bring_all(app, outbox.rows)
    entries = raw.lrange(app.keys.queue("notes"), 0, -1)[::-1]
    assert [entry.split(b'"args":[')[1][:1] for entry in entries] == [b"0", b"1", b"2"]


def test_a_lost_reply_is_repeated_and_puts_nothing_twice(
    make_app: Callable[..., App], outbox: Outbox, redis_url: str, raw: Any
) -> None:
    proxy = Proxy(redis_url)
    app = make_app(proxy.url)
    outbox.write(app, 3)
    app.client.push_once("warm", [], remember_s=60)
    proxy.lose_reply()
    bring_all(app, outbox.rows)
    proxy.close()
    assert raw.llen(app.keys.queue("notes")) == 3


def test_redis_away_keeps_the_rows(make_app: Callable[..., App], outbox: Outbox, app: App, raw: Any) -> None:
    away = make_app("redis://127.0.0.1:1/0", redis={"push_deadline_s": 0.05})
    outbox.write(away, 2)
    with pytest.raises(Exception, match="could not be enqueued"):
        Relay(away, outbox.rows).bring()
    bring_all(app, outbox.rows)
    assert raw.llen(app.keys.queue("notes")) == 2


def test_a_name_is_remembered_for_a_day(app: App, outbox: Outbox, raw: Any) -> None:
    outbox.write(app, 1)
    bring_all(app, outbox.rows)
    (lane,) = raw.keys("*lane:outbox-*")
    assert 86_000 < raw.ttl(lane) <= 86_400


def test_a_job_for_a_shard_is_brought_there(make_app: Callable[..., App], outbox: Outbox, raw: Any) -> None:
    app = make_app(shards={"eu": {"namespace": "eu"}, "us": {"namespace": "us", "queues": ["notes"]}})

    @app.job(name="note", queue="notes")
    def note(n: int) -> None: ...

    requests = [note.using(shard="eu").request(1), note.request(2), note.using(queue="default").request(3)]
    outbox.keep(app, requests)
    assert [Relay(app, outbox.rows, shard=shard).bring() for shard in (None, "eu", "us", None)] == [1, 1, 1, 0]
    assert [raw.llen("{eu}:queue:notes"), raw.llen("{us}:queue:notes"), raw.llen("{offsider}:queue:default")] == [1] * 3
    assert b"shard" not in raw.lindex("{eu}:queue:notes", 0)


def test_a_queue_that_is_something_else_keeps_the_rows_until_it_is_mended(
    app: App, outbox: Outbox, redis_url: str, raw: Any
) -> None:
    outbox.write(app, 2)
    raw.set(app.keys.queue("notes"), "somebody else's")
    for _time in range(2):
        with pytest.raises(Exception, match="WRONGTYPE"):
            Relay(app, outbox.rows).bring()
    raw.delete(app.keys.queue("notes"))
    bring_all(app, outbox.rows)
    assert raw.llen(app.keys.queue("notes")) == 2


def test_a_row_that_is_no_job_is_put_into_quarantine_once_and_holds_up_no_other(
    app: App, outbox: Outbox, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.write(app, 1)
    with outbox.engine.begin() as connection:
        connection.execute(insert(outbox.table), [{"payload": '{"class":"note","args":[1'}, {"payload": ""}])
    outbox.keep(app, [app.jobs["note"].request(n) for n in (2, 3)])
    relay = Relay(app, outbox.rows)
    with monkeypatch.context() as patch:
        patch.setattr(outbox.rows, "forget", lambda _batch: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            relay.bring()
    bring_all(app, outbox.rows)
    assert raw.llen(app.keys.queue("notes")) == 3
    empty, cut = sorted(app.quarantine.entries(), key=lambda entry: entry.text)
    assert (empty.text, cut.text) == ("", '{"class":"note","args":[1')
    assert all(entry.reason.startswith("from the outbox: not JSON") for entry in (empty, cut))
    assert outbox.rows.counts() == {}


def test_a_payload_may_be_long_in_every_database() -> None:
    (column,) = [one for one in outbox_table(MetaData()).columns if one.name == "payload"]
    assert [str(column.type.compile(dialect=made())) for made in (mysql.dialect, postgresql.dialect)] == [
        "LONGTEXT",
        "TEXT",
    ]


def test_a_row_goes_where_it_went_when_it_was_written(make_app: Callable[..., App], outbox: Outbox, raw: Any) -> None:
    outbox.write(make_app(), 1)
    routed = make_app(shards={"us": {"namespace": "us", "queues": ["notes"]}})
    assert [Relay(routed, outbox.rows, shard=shard).bring() for shard in ("us", None)] == [0, 1]
    assert raw.llen("{offsider}:queue:notes") == 1

"""A survey counts what is encrypted with which key, wherever it waits, and opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offsider import App
from offsider.worker.putback import quarantine_entry
from offsider_enterprise.encryption.survey import survey, tokens_of
from support.bench import payload

Make = Callable[..., App]


def test_every_place_is_counted_by_key(make_keyed: Make, raw: Any) -> None:
    old, new = make_keyed("old"), make_keyed("new", "old")
    for app in (old, new):
        app.job(name="pay", encrypt=("card", "pin"))(lambda card, pin: None)
        app.jobs["pay"].enqueue("4111", pin="17")
        app.jobs["pay"].using(delay=60).enqueue("4111", "17")
        app.jobs["pay"].using(queue="high").enqueue("4111", "17")
    taken = raw.rpop(new.keys.queue("high"))
    raw.zadd(new.keys.owners, {"host:1:a/default/1": 4e12})
    raw.hset(new.keys.inflight("host:1:a/default/1"), "1:high", taken)
    raw.zadd(new.keys.dead, {raw.lindex(new.keys.queue("high"), 0): 1})
    raw.zadd(new.keys.quarantine, {quarantine_entry("high", "nobody knew it", taken): 1})
    raw.lpush(new.keys.queue("default"), payload("greet", "Ada"), b"no json")
    found = survey(new)
    assert found.jobs == {
        "queue default": 2, "queue high": 1, "schedule": 2, "in flight": 1, "dead": 1, "quarantine": 1,
    }  # fmt: skip
    assert {name.partition(":")[0]: count for name, count in found.tokens.items()} == {"old": 8, "new": 8}
    assert found.complete
    assert found.looked_at == 10


def test_a_limit_ends_it(keyed: App) -> None:
    keyed.job(name="pay", encrypt=True)(lambda card: None).enqueue_many([("4111",)] * 20)
    found = survey(keyed, most=5)
    assert not found.complete
    assert found.looked_at == 5


def test_whatever_bytes_there_are() -> None:
    for raw in (
        b'{"sealed":',
        b'{"sealed":{"args":true}}',
        payload("pay", 7, sealed={"args": [0], "other": True, "kwargs": ["a"]}, kwargs={"a": ["ofs1.x.y"]}),
        payload("pay", "ofs1.", "ofs1.a.b", "ofs1.a." + "A" * 80, sealed={"args": True}),
    ):
        assert tokens_of(raw) == [] or raw.endswith(b"}")

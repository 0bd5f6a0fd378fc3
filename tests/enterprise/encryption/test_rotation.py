"""Rotation encrypts what waits anew, entry by entry, beside workers and producers, and may be ended anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from offsider import App
from offsider.errors import InvalidSetting, RedisRefused
from offsider_enterprise.encryption.install import codec_of
from offsider_enterprise.encryption.rotation import PAGE, Rotation
from offsider_enterprise.encryption.survey import survey
from offsider_enterprise.scripts import load
from support.bench import payload
from support.everything import everything

CARD = "4111-1111-1111-1111"
Make = Callable[..., App]


def pay(order: int, card: str, *, pin: str = "") -> None:
    """A body that is never run here."""


@pytest.fixture
def old(make_keyed: Make) -> App:
    """An app that encrypts with the key ``old``."""
    app = make_keyed("old")
    app.job(name="pay", encrypt=("card", "pin"))(pay)
    app.job(name="whole", encrypt=True)(pay)
    return app


@pytest.fixture
def new(make_keyed: Make) -> App:
    """The same after the change: it encrypts with ``new``, and knows ``old``."""
    app = make_keyed("new", "old")
    app.job(name="pay", encrypt=("card", "pin"))(pay)
    app.job(name="whole", encrypt=True)(pay)
    return app


def fill(app: App, count: int = 3) -> None:
    """Jobs in a queue, and in the schedule."""
    for name in ("pay", "whole"):
        app.jobs[name].enqueue_many([(number, f"{CARD} {number}") for number in range(count)])
        app.jobs[name].using(delay=3600).enqueue(count, f"{CARD} {count}", pin="17")


def failed(app: App, raw: Any, key: str) -> dict[str, Any]:
    """A job that has failed, in a set."""
    request = app.accept(app.jobs["pay"].request(7, CARD))
    assert request is not None
    record = request.record | {"error_class": "ValueError", "error_message": f"refused: {CARD}", "retry_count": 0}
    codec_of(app).seal_fields(record, ["error_message"], jid=record["jid"], of="job")
    raw.zadd(key, {json.dumps(record, separators=(",", ":")): 1_900_000_000.123456})
    return record


def opened(app: App, raw: bytes) -> tuple[list[Any], dict[str, Any]]:
    record = json.loads(raw)
    found: tuple[list[Any], dict[str, Any]] = app.jobs[record["class"]].restored(record)
    return found


def used(app: App) -> set[str]:
    """The names of the keys that something in Redis is encrypted with."""
    return {name.partition(":")[0] for name in survey(app).tokens}


def test_everything_that_waits_gets_the_new_key_in_its_place(old: App, new: App, raw: Any) -> None:
    fill(old)
    for key in (old.keys.retry, old.keys.dead):
        failed(old, raw, key)
    queue = old.keys.queue("default")
    before = [opened(old, one) for one in raw.lrange(queue, 0, -1)]
    due = [score for _member, score in raw.zrange(old.keys.schedule, 0, -1, withscores=True)]
    done = Rotation(new, codec_of(new)).run()
    assert (done.rotated, done.sealed, done.missing, done.refused) == (10, 0, 0, 0)
    assert used(new) == {"new"}
    assert [opened(new, one) for one in raw.lrange(queue, 0, -1)] == before
    assert [score for _member, score in raw.zrange(old.keys.schedule, 0, -1, withscores=True)] == due
    ((dead, score),) = raw.zrange(old.keys.dead, 0, -1, withscores=True)
    assert score == 1_900_000_000.123456
    record = json.loads(dead)
    assert codec_of(new).open_fields(record, jid=record["jid"], of="job")["error_message"] == f"refused: {CARD}"
    assert CARD.encode() not in everything(raw)


def test_once_more_there_is_nothing_to_do(old: App, new: App, raw: Any) -> None:
    fill(old)
    Rotation(new, codec_of(new)).run()
    before = everything(raw)
    again = Rotation(new, codec_of(new)).run()
    assert (again.rotated, again.moved) == (0, 0)
    assert everything(raw) == before


def test_a_dry_run_changes_nothing(old: App, new: App, raw: Any) -> None:
    fill(old)
    before = everything(raw)
    assert Rotation(new, codec_of(new), dry_run=True).run().rotated == 8
    assert everything(raw) == before


def test_what_is_no_job_or_not_encrypted_stays_byte_for_byte(new: App, raw: Any) -> None:
    others = [
        b"no json",
        b'{"sealed":',
        payload("greet", "Ada"),
        payload("pay", 7, "plain"),
        b'{"sealed":{"args":true}}',
    ]
    raw.lpush(new.keys.queue("default"), *others)
    raw.sadd(new.keys.queues, "default")
    Rotation(new, codec_of(new)).run()
    assert raw.lrange(new.keys.queue("default"), 0, -1) == others[::-1]


def test_a_long_queue_is_done_page_by_page_while_others_push_and_take(old: App, new: App, raw: Any) -> None:
    fill(old, 3 * PAGE)
    queue = new.keys.queue("default")
    rotation = Rotation(new, codec_of(new))
    swap, taken = rotation._swap, []

    def disturbed(*given: Any) -> None:
        new.jobs["pay"].enqueue_many([(number, "fresh") for number in range(7)])  # at the end that is walked from
        taken.append(raw.rpop(queue))
        swap(*given)

    rotation._swap = disturbed  # type: ignore[method-assign]
    done = rotation.run()
    assert used(new) == {"new"}
    assert done.rotated + len(taken) >= 6 * PAGE
    orders = [opened(new, one)[0][0] for one in raw.lrange(queue, 0, -1) if opened(new, one)[0][1] != "fresh"]
    assert len(orders) == 6 * PAGE - sum(opened(new, one)[0][1] != "fresh" for one in taken)


def test_two_rotations_at_once_do_not_undo_each_other(old: App, new: App, raw: Any) -> None:
    fill(old, 20)
    first, second = Rotation(new, codec_of(new)), Rotation(new, codec_of(new))
    swap = first._swap

    def beside(*given: Any) -> None:
        second.run()
        swap(*given)

    first._swap = beside  # type: ignore[method-assign]
    first.run()
    assert used(new) == {"new"}
    assert raw.llen(new.keys.queue("default")) == 40
    assert raw.zcard(new.keys.schedule) == 2


def test_it_goes_on_after_it_was_ended(old: App, new: App, raw: Any) -> None:
    fill(old, 2 * PAGE)
    rotation = Rotation(new, codec_of(new))
    swap, calls = rotation._swap, []

    def dies(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 4:
            raise KeyboardInterrupt
        swap(*given)

    rotation._swap = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        rotation.run()
    assert used(new) == {"new", "old"}
    done = Rotation(new, codec_of(new)).run()
    assert 0 < done.rotated < 4 * PAGE + 2
    assert used(new) == {"new"}
    assert raw.llen(new.keys.queue("default")) == 4 * PAGE


def test_a_full_redis_refuses_before_anything_is_changed(old: App, new: App, raw: Any) -> None:
    fill(old)
    before = everything(raw)
    raw.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisRefused):
            Rotation(new, codec_of(new)).run()
    finally:
        raw.config_set("maxmemory", 0)
    assert everything(raw) == before


def test_a_key_that_is_missing_and_what_was_tampered_with_are_told_and_left(
    old: App, new: App, make_keyed: Make, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = make_keyed("third")
    stranger.job(name="pay", encrypt=("card",))(pay).enqueue(1, CARD)
    old.jobs["pay"].enqueue(2, CARD)
    record = json.loads(raw.lpop(new.keys.queue("default")))
    moved = json.dumps({**record, "jid": "another"}, separators=(",", ":")).encode()
    raw.lpush(new.keys.queue("default"), moved)
    before = raw.lrange(new.keys.queue("default"), 0, -1)
    done = Rotation(new, codec_of(new)).run()
    assert (done.rotated, done.missing, done.refused) == (0, 1, 1)
    assert raw.lrange(new.keys.queue("default"), 0, -1) == before
    assert "stays as it is" in caplog.text


def test_without_a_key_there_is_no_rotation(make_keyed: Make, old: App) -> None:
    fill(old)
    app = make_keyed()
    with pytest.raises(InvalidSetting, match="there is no key"):
        Rotation(app, codec_of(app)).run()


# -- plain jobs of before ------------------------------------------------------------------------------------------


def test_plain_jobs_are_encrypted_when_it_is_asked_for(new: App, raw: Any) -> None:
    queue = new.keys.queue("default")
    raw.lpush(
        queue, payload("pay", 7, CARD, kwargs={"pin": "17-17"}, error_class="E", error_message=f"refused: {CARD}")
    )
    raw.lpush(queue, payload("whole", 7, CARD))
    raw.lpush(queue, payload("unknown", 7, "stays"))
    raw.sadd(new.keys.queues, "default")
    assert Rotation(new, codec_of(new)).run().sealed == 0
    done = Rotation(new, codec_of(new), seal_plaintext=True).run()
    assert (done.sealed, done.rotated) == (2, 0)
    lies = everything(raw)
    assert CARD.encode() not in lies
    assert b"17-17" not in lies
    assert b"stays" in lies
    _stays, whole, some = raw.lrange(queue, 0, -1)
    assert opened(new, some) == ([7, CARD], {"pin": "17-17"})
    assert opened(new, whole) == ([7, CARD], {})
    assert json.loads(some)["needs"] == ["enterprise"]
    assert Rotation(new, codec_of(new), seal_plaintext=True).run().sealed == 0


def test_a_job_of_which_the_code_encrypts_more_by_now_is_completed(make_keyed: Make, new: App, raw: Any) -> None:
    less = make_keyed("new")
    less.job(name="pay", encrypt=("pin",))(pay).enqueue(7, CARD, pin="17-17")
    assert CARD.encode() in everything(raw)
    assert Rotation(new, codec_of(new), seal_plaintext=True).run().sealed == 1
    assert CARD.encode() not in everything(raw)
    (one,) = raw.lrange(new.keys.queue("default"), 0, -1)
    assert opened(new, one) == ([7, CARD], {"pin": "17-17"})


def test_what_would_be_too_large_stays_and_does_not_end_the_rotation(
    old: App, new: App, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue = new.keys.queue("default")
    large = payload("whole", 7, "x" * 12_500_000)
    old.jobs["pay"].enqueue(1, CARD)
    raw.lpush(queue, large)
    old.jobs["pay"].enqueue(2, CARD)
    done = Rotation(new, codec_of(new), seal_plaintext=True).run()
    assert (done.rotated, done.sealed, done.refused) == (2, 0, 1)
    assert raw.lindex(queue, 1) == large
    assert used(new) == {"new"}
    assert "the most is 16,000,000" in caplog.text


# -- the scripts ---------------------------------------------------------------------------------------------------


def run(raw: Any, name: str, keys: list[str], arguments: list[Any]) -> Any:
    return raw.eval(load(name).text, len(keys), *keys, *arguments)


def test_a_member_is_replaced_at_its_time_or_not_at_all(raw: Any) -> None:
    raw.zadd("set", {"a": 1.1234567890123457, "b": 2})
    assert run(raw, "encryption_swap_set", ["set"], ["a", "A", "gone", "X"]) == [1, 0]
    assert raw.zrange("set", 0, -1, withscores=True) == [(b"A", 1.1234567890123457), (b"b", 2.0)]


def test_an_element_is_replaced_where_it_is_within_the_part(raw: Any) -> None:
    raw.rpush("list", *"abcabc")
    assert run(raw, "encryption_swap_queue", ["list"], [1, 4, "a", "A", "c", "C", "x", "X"]) == [1, 1, 0]
    assert raw.lrange("list", 0, -1) == [b"a", b"b", b"C", b"A", b"b", b"c"]


def test_a_key_of_another_type_is_refused(raw: Any) -> None:
    raw.set("set", "no")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        run(raw, "encryption_swap_set", ["set"], ["a", "A"])
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        run(raw, "encryption_swap_queue", ["set"], [0, 1, "a", "A"])

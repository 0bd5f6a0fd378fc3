"""One job is found wherever it lies, by its own id, within the limit, also when it moves meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.api.search import AHEAD, PAGE, Found, Near, Search, pairs
from offsider.job.record import dumps

JID = "0123456789abcdef01234567"
OWNER = "vm:1:abc/default/1"
MakeSearch = Callable[..., Search]


@pytest.fixture
def make_search(app: App) -> Iterator[MakeSearch]:
    """Searches with a connection of their own."""
    wire = app.connections.wire("test", read_timeout_s=10.0)

    def make(jid: str = JID, limit: int = 100_000, through: Any = None, **how: Any) -> Search:
        return Search(through(wire) if through else wire, app.keys, jid, limit=limit, **how)

    yield make
    wire.close()


def payload(jid: str = JID, *args: Any, **fields: Any) -> bytes:
    return dumps({"queue": "mail", "class": "job", "args": list(args), "jid": jid, "retry": True, **fields})


def others(count: int) -> list[bytes]:
    return [payload(f"{number:024x}") for number in range(count)]


def push(raw: Any, *payloads: bytes, queue: str = "mail") -> None:
    raw.sadd("{offsider}:queues", queue)
    raw.lpush(f"{{offsider}}:queue:{queue}", *payloads)


def put(raw: Any, place: str, payload: bytes) -> None:
    """Into one place."""
    if place == "in flight":
        raw.zadd("{offsider}:owners", {OWNER: 5000})
        raw.hset(f"{{offsider}}:inflight:{OWNER}", "1:mail", payload)
    elif place == "queue":
        push(raw, payload)
    elif place == "quarantine":
        raw.zadd("{offsider}:quarantine", {b'{"queue":"mail","reason":"broken","at":5}\n' + payload: 5})
    else:
        raw.zadd(f"{{offsider}}:{place}", {payload: 5})


@pytest.mark.parametrize("place", ["in flight", "queue", "retry", "schedule", "dead", "quarantine"])
def test_a_job_is_found_in_each_place(place: str, make_search: MakeSearch, raw: Any) -> None:
    put(raw, place, payload())
    found = make_search().find()
    assert found is not None
    assert (found.place, found.raw) == (place, payload())
    assert (found.record or {})["jid"] == JID
    assert found.at_s == (None if place == "queue" else 5.0)
    assert found.queue == ("" if place in ("retry", "schedule", "dead") else "mail")
    assert (found.owner, found.reason) == (OWNER if place == "in flight" else "", "broken" * (place == "quarantine"))


def test_what_is_nowhere_is_not_found(make_search: MakeSearch, raw: Any) -> None:
    for place in ("in flight", "queue", "retry", "schedule", "dead", "quarantine"):
        put(raw, place, payload("f" * 24))
    search = make_search()
    assert search.find() is None
    assert search.complete
    assert search.looked_at >= 6


def test_a_job_that_only_speaks_of_the_id_is_not_it(make_search: MakeSearch, raw: Any) -> None:
    push(raw, payload("f" * 24, JID), payload("e" * 24, {"jid": JID}))
    assert make_search().find() is None


@pytest.mark.parametrize("jid", ['a "b" \\ c', "é\u2028 ü", "x"], ids=ascii)
def test_an_id_of_another_program_may_be_any_text(jid: str, make_search: MakeSearch, raw: Any) -> None:
    push(raw, *others(3), payload(jid))
    found = make_search(jid).find()
    assert found is not None
    assert found.position == 4


def test_bytes_that_are_no_job_are_found_by_their_field(make_search: MakeSearch, raw: Any) -> None:
    broken = f'{{"args":5, "jid" : "{JID}"'.encode()
    put(raw, "quarantine", broken)
    found = make_search().find()
    assert found == Found("quarantine", broken, "mail", at_s=5.0, reason="broken")
    assert found.record is None


@pytest.mark.parametrize("entry", [f'"{JID}" no JSON', f'["jid":"{JID}"]', f'"a"\n{{"jid":"{JID}"}}'])
def test_a_quarantine_that_others_have_written_to_is_no_trap(entry: str, make_search: MakeSearch, raw: Any) -> None:
    raw.zadd("{offsider}:quarantine", {entry: 5})
    found = make_search().find()
    assert (found is not None) == ('"jid":' in entry)


@pytest.mark.parametrize("number", [0, 1, PAGE - 1, PAGE, 2 * PAGE + 7, 3 * PAGE - 1])
def test_its_place_in_a_long_queue_is_told(number: int, make_search: MakeSearch, raw: Any) -> None:
    waiting = others(3 * PAGE)
    waiting[number] = payload()
    push(raw, *waiting)
    found = make_search().find()
    assert found is not None
    assert (found.position, found.length) == (number + 1, 3 * PAGE)


def test_within_its_limit_a_long_queue_is_searched_where_it_is_taken_from(make_search: MakeSearch, raw: Any) -> None:
    push(raw, payload("a" * 24), *others(3 * PAGE), payload("b" * 24))
    first, last = make_search("a" * 24, limit=PAGE), make_search("b" * 24, limit=PAGE)
    assert first.find() is not None
    assert last.find() is None
    assert not last.complete
    assert last.looked_at <= PAGE + 10


def test_long_sets_end_a_search_at_its_limit(make_search: MakeSearch, raw: Any) -> None:
    raw.zadd("{offsider}:retry", dict.fromkeys(others(4 * PAGE), 1))
    raw.zadd("{offsider}:dead", {payload(): 1})
    short = make_search(limit=PAGE)
    assert short.find() is None
    assert not short.complete
    assert make_search().find() is not None


def test_a_search_that_has_no_more_time_does_not_say_that_it_has_looked_at_everything(
    make_search: MakeSearch, raw: Any
) -> None:
    raw.zadd("{offsider}:dead", {payload(): 1})
    short = make_search(within_s=0.0)
    assert short.find() is None
    assert not short.complete
    assert make_search(within_s=60.0).find() is not None
    seen = make_search(within_s=0.0, near=Near("dead", at_s=1.0)).find()
    assert seen is not None, "where it was seen is looked at in any case"


def test_many_owners_and_many_queues_are_paged(make_search: MakeSearch, raw: Any) -> None:
    raw.zadd("{offsider}:owners", {f"vm:{number}:abc/default/1": number for number in range(PAGE + 5)})
    raw.hset(f"{{offsider}}:inflight:vm:{PAGE + 4}:abc/default/1", "1:mail", payload())
    found = make_search().find()
    assert found is not None
    assert found.owner == f"vm:{PAGE + 4}:abc/default/1"


def test_a_job_that_is_taken_while_we_look_is_found_by_the_second_look(make_search: MakeSearch, raw: Any) -> None:
    push(raw, payload())

    class Moving:
        """Takes the job when its queue is asked for its length, after the jobs in flight were looked at."""

        def __init__(self, wire: Any) -> None:
            self._wire = wire

        def command(self, *words: Any) -> Any:
            if words[0] == "LLEN" and raw.rpop("{offsider}:queue:mail"):
                put(raw, "in flight", payload())
            return self._wire.command(*words)

    found = make_search(through=Moving).find()
    assert found is not None
    assert found.place == "in flight"


def test_replies_of_both_protocols_are_pairs() -> None:
    assert (
        pairs([b"a", 1, b"b", 2])
        == pairs([[b"a", 1], (b"b", 2)])
        == pairs({b"a": 1, b"b": 2})
        == [(b"a", 1), (b"b", 2)]
    )
    assert pairs([]) == pairs({}) == []


def test_it_changes_nothing(make_search: MakeSearch, raw: Any) -> None:
    for place in ("in flight", "queue", "retry", "quarantine"):
        put(raw, place, payload(place[:1] * 24))
    before = {key: raw.dump(key) for key in raw.keys("*")}
    make_search().find()
    assert {key: raw.dump(key) for key in raw.keys("*")} == before
    assert json.loads(payload())["jid"] == JID


# -- where it was seen -------------------------------------------------------------------------------------------


class Counted:
    """A wire that counts what it is asked."""

    def __init__(self, wire: Any) -> None:
        self._wire, self.asked = wire, 0

    def command(self, *words: Any) -> Any:
        self.asked += 1
        return self._wire.command(*words)


@pytest.mark.parametrize(
    "near",
    [
        Near("queue", "mail", 1),
        *(Near(place, at_s=5.0) for place in ("retry", "schedule", "dead", "quarantine")),
        Near("in flight", process="vm:1:abc"),
    ],
    ids=lambda near: near.place,
)
def test_a_job_that_is_where_it_was_seen_is_not_searched_for(near: Near, make_search: MakeSearch, raw: Any) -> None:
    put(raw, near.place, payload())
    wires: list[Counted] = []

    def through(wire: Any) -> Counted:
        wires.append(Counted(wire))
        return wires[-1]

    plain, hinted = make_search().find(), make_search(through=through, near=near).find()
    assert hinted == plain is not None
    assert wires[0].asked <= 2


@pytest.mark.parametrize("seen", [1200, 1200 - PAGE + 1, 1200 + AHEAD, 2500])
def test_a_job_of_a_long_queue_is_found_near_where_it_was(seen: int, make_search: MakeSearch, raw: Any) -> None:
    push(raw, *others(1199), payload(), *others(1800)[1199:])
    found = make_search(limit=1, near=Near("queue", "mail", seen)).find()
    assert found is not None
    assert (found.position, found.length) == (1200, 1801)


@pytest.mark.parametrize(
    "seen", [Near("queue", "other", 7), Near("dead", at_s=5.0), Near("in flight", process="x:1:a")]
)
def test_a_job_that_has_moved_is_searched_for(seen: Near, make_search: MakeSearch, raw: Any) -> None:
    put(raw, "retry", payload())
    raw.set("{offsider}:queue:other", "of another type")
    found = make_search(near=seen).find()
    assert found is not None
    assert found.place == "retry"

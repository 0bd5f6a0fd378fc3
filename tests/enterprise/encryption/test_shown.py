"""Pages and commands show a mask, with the keys in the same process and without them; searches never see plain text."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offsider import App
from offsider.job.sealing import MASK
from offsider.worker.worker import Worker
from support.bench import Bench
from support.cli import told
from support.site import Visitor
from support.waiting import until

CARD = "4111-1111-1111-1111"
ERROR = "the bank says no to"
PAGES = ("/busy", "/queues/default", "/scheduled", "/retries", "/dead", "/errors")
Make = Callable[..., App]


@pytest.fixture
def jids(keyed: App, raw: Any, start_worker: Callable[..., Worker]) -> Iterator[dict[str, str]]:
    """An encrypted job in every place, by its name: the ids."""
    gate = threading.Event()

    @keyed.job(name="pay", encrypt=("card",), backtrace=True)
    def pay(order: int, card: str) -> None:
        if order == 1:
            gate.wait(30)
        raise ValueError(f"{ERROR} {card}")

    @keyed.job(name="diagnose", encrypt=True, result_ttl=60)
    def diagnose(patient: str) -> str:
        return f"{patient} is well"

    bench = Bench(keyed, raw, start_worker)
    made = {
        "retry": pay.enqueue(2, CARD),
        "dead": pay.using(retry=0).enqueue(3, CARD),
        "result": diagnose.enqueue(CARD),
    }
    bench.run()
    until(lambda: bench.places() == {"retry": 1, "dead": 1}, 15, "they have failed")
    made["running"] = pay.enqueue(1, CARD)
    until(lambda: len(keyed.running) == 1, 15, "it runs")
    made["schedule"] = pay.using(delay=3600).enqueue(4, CARD)
    made["queue"] = pay.using(queue="nobody").enqueue(5, CARD)
    yield {place: str(jid) for place, jid in made.items()}
    gate.set()


def test_every_page_and_command_shows_a_mask(
    keyed: App, jids: dict[str, str], make_app: Make, raw: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = make_app(editions=[])
    for app in (keyed, free):
        visitor = Visitor(app.web())
        for path in (*PAGES, *(f"/jobs/{jid}" for jid in jids.values()), "/queues/nobody"):
            text = visitor.text(path)
            hides_nothing = path == "/queues/default" or (path == f"/jobs/{jids['result']}" and app is free)
            assert CARD not in text, path
            assert ERROR not in text, path
            assert hides_nothing or MASK in text, path
            assert "ofs1." not in text, path
        for place in ("retry", "dead"):
            page = visitor.text(f"/jobs/{jids[place]}")
            assert "ValueError" in page
            assert "No traceback was kept" not in page
        for words in (f"/retries?text={CARD}", f"/dead?text={ERROR.replace(' ', '+')}", f"/find?q={CARD}"):
            assert "pay" not in visitor.text(words).replace("payload", "")
    monkeypatch.setenv("OFFSIDER_REDIS_URL", redis_url)
    for jid in jids.values():
        shown = told("jobs", "show", jid, code=1 if jid == jids["result"] else 0)
        why = told("why", jid, "--json", code=1 if jid == jids["result"] else 0)
        as_json = told("jobs", "show", jid, "--json", code=1 if jid == jids["result"] else 0)
        for text in (shown, why, as_json):
            assert CARD not in text
            assert ERROR not in text
            assert "ofs1." not in text
        assert jid == jids["result"] or MASK in shown
    for words in (["retry", "--json"], ["dead", "--json"], ["scheduled", "--json"], ["jobs", "--json"]):
        listed = told(*words)
        assert MASK in json.dumps(json.loads(listed), ensure_ascii=False)
        assert "ofs1." not in listed


def test_a_result_is_plain_for_the_program_and_masked_on_its_page(keyed: App, jids: dict[str, str]) -> None:
    assert keyed.result(jids["result"]).get() == f"{CARD} is well"
    page = Visitor(keyed.web()).text(f"/jobs/{jids['result']}")
    assert MASK in page
    assert "is well" not in page


def test_a_search_finds_what_is_not_encrypted(keyed: App, jids: dict[str, str]) -> None:
    assert not keyed.retries.search(CARD).jobs
    assert not keyed.retries.search(ERROR).jobs
    (found,) = keyed.retries.search(error="ValueError").jobs
    assert found.jid == jids["retry"]
    (by_id,) = keyed.dead.search(jids["dead"]).jobs
    assert by_id.args == [3, MASK]

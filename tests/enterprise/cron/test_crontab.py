"""The crontab at run time: entries are added, edited, paused, run and deleted; what cannot be is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from offsider import App
from offsider.errors import (
    DuplicateName,
    EditionError,
    InvalidArguments,
    InvalidName,
    InvalidOption,
    NotJson,
    OffsiderError,
    UnknownOption,
)
from offsider.worker.worker import Worker
from offsider_enterprise.cron import Cron, Crontab
from offsider_enterprise.cron.declared import declared
from support.waiting import until

from .conftest import YEARLY, YEARS_S, CronBench, new_year

UID = UUID("12345678123456781234567812345678")


def test_an_entry_is_added_and_told_with_its_next_instants(bench: CronBench) -> None:
    bench.app.job(name="greet", queue="cron")(_greet)
    made = bench.crontab.add(
        "greeting", bench.app.jobs["greet"], "0 9 * * mon-fri", zone="Europe/Berlin", args=[UID],
        options={"queue": "low", "retry": 3}, missed="skip", window=timedelta(hours=2), by="ann",
    )  # fmt: skip
    assert made == bench.crontab["greeting"]
    entry = made.entry
    assert (entry.job, entry.args, entry.kwargs, entry.by) == ("greet", [str(UID)], {}, "ann")
    assert (entry.missed, entry.window_s, entry.options) == ("skip", 7200.0, {"queue": "low", "retry": 3})
    coming = made.coming(3)
    assert made.next == coming[0]
    assert all(later - earlier >= timedelta(hours=23) for earlier, later in pairwise(coming))
    assert made.last is None
    assert not made.paused
    assert "greeting" in bench.crontab
    assert json.loads(json.dumps(made.to_dict()))["next"] == coming[0].isoformat()


def _greet(user: UUID, *, locale: str = "en") -> None: ...


def test_entries_are_listed_by_name_in_pages(bench: CronBench) -> None:
    for name in ("b", "c", "a", "d"):
        bench.crontab.add(name, "report", YEARLY)
    assert [one.name for one in bench.crontab] == ["a", "b", "c", "d"]
    assert [one.name for one in bench.crontab.entries(1, 2)] == ["b", "c"]
    assert len(bench.crontab) == 4
    assert bench.crontab.get("e") is None
    with pytest.raises(KeyError):
        bench.crontab["e"]


def test_a_name_is_taken_once(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY)
    with pytest.raises(InvalidOption, match="there is a cron entry 'a' already"):
        bench.crontab.add("a", "report", "0 0 2 1 *")
    assert bench.crontab["a"].entry.cron == YEARLY


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        ({"cron": "* * * *"}, InvalidOption, "Expected five fields"),
        ({"zone": "Europe/Berlni"}, InvalidOption, r"zone is 'Europe/Berlni'.*Did you mean 'Europe/Berlin'"),
        ({"zone": "../../etc/passwd"}, InvalidOption, "expected UTC, or a zone's name"),
        ({"job": "reprot"}, InvalidOption, r"no job 'reprot'.*Did you mean 'report'"),
        ({"args": [1]}, InvalidArguments, "what is 1"),
        ({"args": ["a", "b"]}, InvalidArguments, "report"),
        ({"kwargs": {"knid": "x"}}, InvalidArguments, "knid"),
        ({"args": [object()]}, OffsiderError, "object"),
        ({"options": {"quue": "x"}}, UnknownOption, r"cron entry 'a': job 'report' has the option 'quue'"),
        ({"options": {"queue": "no queue"}}, InvalidName, "no queue"),
        ({"options": {"delay": 5}}, InvalidOption, "the crontab says when"),
        ({"options": {"timeout": timedelta(minutes=1)}}, InvalidOption, "write seconds, 60"),
        ({"options": {"tags": [object()]}}, (NotJson, InvalidOption), "tags"),
        ({"options": {"cron": "* * * * *"}}, InvalidOption, "for one call"),
        ({"missed": "twice"}, InvalidOption, "missed is 'twice': expected one of skip, once, all"),
        ({"window": -1}, InvalidOption, "window"),
        ({"window": 0.5}, InvalidOption, "a second at least"),
        ({"name": "no name"}, InvalidName, "is no name of a cron entry"),
        ({"name": ""}, InvalidName, "is no name of a cron entry"),
        ({"by": "x" * 1001}, InvalidOption, "at most 1000 letters"),
        ({"args": ["x" * 100_001]}, InvalidOption, "expected at most 100,000"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    bench: CronBench, given: dict[str, Any], error: type[Exception], why: str
) -> None:
    usual = {"name": "a", "job": "report", "cron": YEARLY}
    bench.app.jobs["report"].fn.__annotations__["what"] = str
    with pytest.raises(error, match=why):
        bench.crontab.add(**{**usual, **given})
    assert not bench.raw.keys("*cron*")


def test_an_edit_changes_what_is_given_and_new_times_begin_anew(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY, args=["sales"], by="ann")
    bench.put_back("a", new_year())
    edited = bench.crontab.edit("a", options={"queue": "low"}, kwargs={"kind": "x"}, by="bob")
    assert (edited.entry.args, edited.entry.kwargs, edited.entry.by) == (["sales"], {"kind": "x"}, "bob")
    assert edited.next_s == new_year(), "what was missed is still missed"
    edited = bench.crontab.edit("a", cron="0 0 2 1 *", zone="Europe/Berlin", missed="all", window=60)
    assert edited.next_s == edited.coming(1)[0].timestamp() > new_year()
    with pytest.raises(InvalidOption, match="Expected five fields"):
        bench.crontab.edit("a", cron="*")
    with pytest.raises(KeyError):
        bench.crontab.edit("b", cron=YEARLY)
    assert bench.crontab["a"].entry == edited.entry


def test_a_paused_entry_rests_until_it_is_resumed_and_makes_up_for_nothing(
    bench: CronBench, start_worker: Callable[..., Worker]
) -> None:
    bench.crontab.add("a", "report", YEARLY, window=YEARS_S)
    bench.crontab.add("b", "report", YEARLY, window=YEARS_S)
    assert bench.crontab.pause("a", reason="the warehouse moves", by="ann") is True
    assert bench.crontab.pause("a", reason="still", by="bob") is False
    paused = bench.crontab["a"]
    assert (paused.paused_by, paused.paused_reason, paused.next) == ("bob", "still", None)
    assert paused.coming(1), "when it would be"
    bench.put_back("b", new_year())
    start_worker(bench.app)
    until(bench.enqueued)
    assert [job["cron"]["name"] for job in bench.enqueued()] == ["b"]
    assert bench.crontab.resume("a") is True
    assert bench.crontab.resume("a") is False
    assert bench.due_s("a") == new_year(-1)
    for act in (bench.crontab.pause, bench.crontab.resume, bench.crontab.run):
        with pytest.raises(KeyError):
            act("c")
    with pytest.raises(InvalidOption, match="reason"):
        bench.crontab.pause("a", reason="x" * 1001)


def test_a_run_by_hand_is_enqueued_now_noted_and_changes_nothing_else(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY, args=["sales"])
    due_s = bench.due_s("a")
    jid = bench.crontab.run("a", by="ann")
    (job,) = bench.enqueued()
    assert (job["jid"], job["args"], job["cron"]["name"]) == (jid, ["sales"], "a")
    (run,) = bench.crontab.history("a")
    assert (run.what, run.jid, run.said) == ("by hand", jid, "ann")
    assert bench.due_s("a") == due_s
    bench.crontab.pause("a")
    bench.crontab.run("a")
    assert len(bench.enqueued()) == 2
    del bench.app.jobs["report"]
    with pytest.raises(InvalidOption, match="there is no job 'report'"):
        bench.crontab.run("a")


def test_a_history_is_bounded(make_bench: Callable[..., CronBench]) -> None:
    bench = make_bench(enterprise={"cron_history": 5})
    bench.crontab.add("a", "report", YEARLY)
    jids = [bench.crontab.run("a") for _ in range(8)]
    assert [run.jid for run in bench.crontab.history("a")] == jids[:2:-1]
    assert [run.jid for run in bench.crontab.history("a", 2)] == jids[:5:-1]


def test_a_deleted_entry_leaves_nothing(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY)
    bench.crontab.run("a")
    bench.crontab.pause("a")
    assert bench.crontab.delete("a") is True
    assert bench.crontab.delete("a") is False
    assert not bench.raw.keys("*cron-*")
    assert not bench.raw.keys("*cron:*")


def test_what_is_declared_is_changed_where_it_is_and_deleted_when_it_is_not_declared_any_more(
    make_bench: Callable[..., CronBench], start_worker: Callable[..., Worker]
) -> None:
    bench = make_bench()
    bench.app.job(name="sweep", cron=YEARLY, queue="cron")(lambda: None)
    start_worker(bench.app).stop()
    with pytest.raises(InvalidOption, match="declared in code: it is edited there"):
        bench.crontab.edit("sweep", cron="0 0 2 1 *")
    with pytest.raises(InvalidOption, match="is declared in the code or the settings of a process that runs"):
        bench.crontab.delete("sweep")
    bench.raw.zincrby(bench.keys.cron_declared, -1000, "sweep")
    assert bench.crontab["sweep"].forgotten
    assert bench.crontab.delete("sweep") is True


def test_code_takes_a_name_over_from_run_time(
    make_bench: Callable[..., CronBench], start_worker: Callable[..., Worker]
) -> None:
    make_bench().crontab.add("sweep", "report", "0 0 2 1 *")
    bench = make_bench()
    bench.app.job(name="sweep", cron=YEARLY, queue="cron")(lambda: None)
    start_worker(bench.app)
    assert (bench.crontab["sweep"].source, bench.crontab["sweep"].entry.job) == ("code", "sweep")


@pytest.mark.parametrize(
    ("cron", "error", "why"),
    [
        (5, InvalidOption, "cron is 5: expected five fields"),
        (["* * * * *"], InvalidOption, "expected five fields, e.g"),
        ("R * * * *", InvalidOption, "Write H"),
    ],
)
def test_a_wrong_option_is_refused_where_it_is_written(
    bench: CronBench, cron: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        bench.app.job(name="sweep", cron=cron)(lambda: None)


def test_a_wrong_declaration_stops_the_start(
    make_bench: Callable[..., CronBench], start_worker: Callable[..., Worker]
) -> None:
    bench = make_bench(enterprise={"cron": {"nightly": {"job": "reprot", "cron": YEARLY}}})
    with pytest.raises(InvalidOption, match=r"no job 'reprot' in this app\. Did you mean 'report'"):
        start_worker(bench.app)
    twice = make_bench()
    for name in ("a", "b"):
        twice.app.job(name=name, cron=Cron(YEARLY, name="same"))(lambda: None)
    with pytest.raises(
        DuplicateName, match=r"two cron entries have the name 'same': of job 'a' \(code\) and of job 'b'"
    ):
        declared(twice.app)


def test_arguments_that_are_encrypted_do_not_belong_into_an_entry(bench: CronBench) -> None:
    bench.app.job(name="pay", queue="cron", encrypt=True)(lambda card="x": None)
    bench.crontab.add("fine", "pay", YEARLY)
    with pytest.raises(InvalidOption, match="the arguments of job 'pay' are encrypted"):
        bench.crontab.add("a", "pay", YEARLY, args=["4111"])
    with pytest.raises(InvalidOption, match="the arguments of job 'report' are encrypted"):
        bench.crontab.add("a", "report", YEARLY, args=["4111"], options={"encrypt": ["what"]})
    assert [one.name for one in bench.crontab] == ["fine"]


def test_entries_lie_beside_their_queues(make_bench: Callable[..., CronBench], raw: Any) -> None:
    shards = {"eu": {"namespace": "shop-eu", "queues": ["eu-*"]}}

    def made() -> CronBench:
        bench = make_bench(shards=shards)
        bench.app.job(name="far", cron=YEARLY, queue="eu-mail")(lambda: None)
        bench.app.job(name="near", cron=YEARLY, queue="cron")(lambda: None)
        return bench

    near, far = made(), made()
    far.app.serve("eu")
    assert set(declared(near.app)) == {"near"}
    assert set(declared(far.app)) == {"far"}
    with pytest.raises(InvalidOption, match="queue 'eu-mail' of job 'far' is in another shard"):
        near.crontab.add("a", "far", YEARLY)
    made_there = Crontab(far.app).add("a", "far", YEARLY)
    assert made_there.name == "a"
    assert raw.exists("{shop-eu}:cron:a")
    Crontab(far.app).run("a")
    assert raw.llen("{shop-eu}:queue:eu-mail") == 1
    by_hand = Crontab(near.app.shard("eu"))
    assert [one.name for one in by_hand] == ["a"]
    by_hand.edit("a", cron="0 0 2 1 *")
    by_hand.run("a")
    assert raw.llen("{shop-eu}:queue:eu-mail") == 2
    with pytest.raises(InvalidOption, match="a shard declares nothing"):
        by_hand.declare()
    assert "eu-mail" not in str(raw.keys("{offsider}:queue*"))


def test_an_app_without_the_edition_is_told_so(make_app: Callable[..., App]) -> None:
    with pytest.raises(EditionError, match="'enterprise' is needed"):
        Crontab(make_app(editions=[]))


def test_what_a_later_version_has_written_is_shown_and_left_alone(
    bench: CronBench, start_worker: Callable[..., Worker]
) -> None:
    for name in ("later", "fine"):
        bench.crontab.add(name, "report", YEARLY, window=YEARS_S)
        bench.put_back(name, new_year())
    bench.raw.hset(bench.keys.cron_entry("later"), mapping={"def": '{"version": 2}', "rev": "x"})
    start_worker(bench.app)
    until(bench.enqueued)
    assert bench.due_s("later") == new_year()
    shown = bench.crontab["later"]
    assert not shown.readable
    assert shown.coming() == []
    with pytest.raises(InvalidOption, match="cannot be read here"):
        bench.crontab.run("later")
    with pytest.raises(InvalidOption, match="cannot be read here"):
        bench.crontab.edit("later", job="report", cron="0 0 2 1 *")
    assert bench.crontab.delete("later")


def test_a_unique_job_that_is_there_already_is_not_enqueued_again(
    bench: CronBench, start_worker: Callable[..., Worker]
) -> None:
    bench.app.job(name="sync", queue="cron", unique=600)(lambda: None)
    holder = bench.app.jobs["sync"].enqueue()
    bench.crontab.add("a", "sync", YEARLY, window=YEARS_S)
    bench.crontab.add("b", "sync", YEARLY, window=YEARS_S, options={"unique": False})
    for name in ("a", "b"):
        bench.put_back(name, new_year())
    start_worker(bench.app)
    until(lambda: bench.due_s("a") == bench.due_s("b") == new_year(-1))
    assert [job["jid"] for job in bench.enqueued()] == [holder, bench.crontab.history("b")[0].jid]
    (run,) = bench.crontab.history("a")
    assert (run.what, run.jid) == ("refused", "")


def test_a_run_expires_like_any_job(bench: CronBench) -> None:
    bench.crontab.add("a", "report", YEARLY, options={"expires_in": 60})
    bench.crontab.run("a")
    assert any("expire" in field for field in bench.enqueued()[0])

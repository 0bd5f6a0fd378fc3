"""Lists of jobs are read in pages, as far as they are wanted."""

from __future__ import annotations

import json
from itertools import count, islice
from typing import Any

import pytest

from offsider import App
from offsider.api.where import Where
from offsider.cli.listing import COLUMNS, of_queue, of_set, say_list, show


def put(raw: Any, number: int) -> None:
    raw.zadd(
        "{offsider}:dead",
        {json.dumps({"class": "work", "args": [n], "jid": f"{n:024d}"}): n for n in range(number)},
    )


def test_a_set_is_read_by_its_time_or_as_it_is_found(app: App, raw: Any) -> None:
    put(raw, 1200)
    assert [one.args[0] for one in of_set(app.dead, Where(), 3)] == [1199, 1198, 1197]
    assert len(list(of_set(app.dead, Where(), None))) == 1200
    assert len(list(of_set(app.dead, Where(name="work"), None))) == 1200
    assert len(list(of_set(app.dead, Where(name="work"), 700))) == 700
    assert list(of_set(app.dead, Where(name="other"), None)) == []


def test_only_the_pages_that_are_wanted_are_read(app: App, raw: Any) -> None:
    put(raw, 1200)
    raw.config_resetstat()
    list(of_set(app.dead, Where(), 10))
    assert raw.info("commandstats")["cmdstat_zrange"]["calls"] == 1


def test_a_queue_ends_where_it_ends(app: App) -> None:
    app.job(name="job", queue="mail")(lambda: None).enqueue_many([()] * 501)
    assert len(list(of_queue(app.queues["mail"], 600, newest=False))) == 501


def test_bytes_that_are_no_jobs_hide_none(app: App, raw: Any) -> None:
    put(raw, 3)
    raw.zadd(app.keys.dead, {f"odd {k}": 10 + k for k in range(600)})
    assert [one.args[0] for one in of_set(app.dead, Where(), 25)] == [2, 1, 0]
    app.job(name="job", queue="mail")(lambda number: None).enqueue_many([(n,) for n in range(30)])
    raw.rpush(app.keys.queue("mail"), "odd")
    found = list(of_queue(app.queues["mail"], 25, newest=False))
    assert [one.args[0] for one in found] == list(range(25))


@pytest.mark.parametrize("number", [0, 1, 3])
def test_json_is_one_list(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    say_list({"n": n} for n in range(number))
    assert json.loads(capsys.readouterr().out) == [{"n": n} for n in range(number)]


def test_a_table_is_shown_a_page_at_a_time(app: App, raw: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(raw, 600)
    read = count()
    entries = (entry for entry in of_set(app.dead, Where(), None) if next(read) >= 0)
    show(islice(entries, 501), as_json=False, columns=tuple(COLUMNS), nothing="nothing")
    assert len(capsys.readouterr().out.splitlines()) == 501 + 2, "a head for each page"
    show([], as_json=False, columns=("jid",), nothing="nothing")
    assert capsys.readouterr().out == "nothing\n"

"""Fenced writes: done while the term lasts; an old leader's late write changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.errors import EditionError
from offsider.worker.worker import Worker
from offsider_enterprise.errors import NotLeader
from offsider_enterprise.leader import Term, fenced, leadership
from support.waiting import until

NOTE = fenced("note", "redis.call('RPUSH', KEYS[1], ARGV[1])\nreturn redis.call('LLEN', KEYS[1])")


@pytest.fixture
def term(make_enterprise: Callable[..., App], start_worker: Callable[..., Worker]) -> Term:
    app = make_enterprise(enterprise={"leader_lease_s": 30.0})
    start_worker(app)
    until(lambda: leadership(app).leads)
    found = leadership(app).term
    assert found is not None
    return found


def test_a_leaders_write_is_done_and_answered(term: Term, raw: Any) -> None:
    assert term.run(NOTE, ["{offsider}:notes"], ["a"]) == 1
    assert term.run(NOTE, ["{offsider}:notes"], ["b"]) == 2
    assert term.run(fenced("nothing", "redis.call('PING')"), []) is None
    assert raw.lrange("{offsider}:notes", 0, -1) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("holder", "host:2:0123456789ab"), ("number", "2"), ("until", "1")],
    ids=["another process leads", "it is another term", "the lease has ended, and nobody else leads"],
)
def test_an_old_leaders_late_write_is_refused(term: Term, raw: Any, field: str, value: str) -> None:
    frozen = Term(term._app, term.identity, term.number, float("inf"))
    raw.hset("{offsider}:leader", field, value)
    with pytest.raises(NotLeader, match=r"note was not done: term 1 of \S+ is over"):
        frozen.run(NOTE, ["{offsider}:notes"], ["late"])
    assert not raw.exists("{offsider}:notes")
    assert not frozen.holds


def test_nobody_leads_where_nobody_works(enterprise: App) -> None:
    assert leadership(enterprise).current() is None
    assert not leadership(enterprise).leads


def test_an_app_without_the_edition_is_told_so(make_app: Callable[..., App]) -> None:
    with pytest.raises(EditionError, match="'enterprise' is needed"):
        leadership(make_app(editions=[]))

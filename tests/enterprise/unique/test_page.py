"""The page of locks: who holds which, found, and ended with one click by who may."""

from __future__ import annotations

from typing import Any

import pytest

from offsider_enterprise.unique import Unique
from support.site import Visitor

from .conftest import UniqueBench


@pytest.fixture
def visitor(bench: UniqueBench) -> Visitor:
    return Visitor(bench.app.web())


def test_locks_are_shown_and_one_click_ends_one(bench: UniqueBench, visitor: Visitor) -> None:
    assert "No locks" in visitor.text("/unique")
    sync = bench.job(Unique(600, policy="replace"))
    jid = str(sync.enqueue(7))
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    page = visitor.text("/unique")
    for part in (digest, f"/jobs/{jid}", "until it has ended, and until", "replace", "1 lock", "Unlock"):
        assert part in page
    assert digest in visitor.text(f"/jobs/{jid}")
    answer = visitor.post("/unique", {"digest": digest, "jid": jid, "back": "/unique"})
    assert answer.status_code == 303
    assert 'Locks ended: <data value="1">' in visitor.text(answer.headers["location"])
    assert bench.is_clean()


def test_a_click_on_a_page_that_is_old_ends_nothing(bench: UniqueBench, visitor: Visitor) -> None:
    sync = bench.job(True)
    sync.enqueue(7)
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    answer = visitor.post("/unique", {"digest": digest, "jid": "another"})
    assert 'Locks ended: <data value="0">' in visitor.text(answer.headers["location"])
    assert len(bench.locks) == 1


def test_a_lock_is_found_by_its_name_and_by_its_job(bench: UniqueBench, visitor: Visitor) -> None:
    sync = bench.job(Unique(by="account"))
    jids: list[Any] = sync.enqueue_many([(k,) for k in range(300)])
    digest = bench.locks.holder(sync, 7).digest  # type: ignore[union-attr]
    for wanted in (digest, jids[7]):
        page = visitor.text(f"/unique?find={wanted}")
        assert digest in page
        assert str(jids[8]) not in page
    assert "More" in visitor.text("/unique")
    assert "No locks" in visitor.text("/unique?find=nothing")


def test_a_change_from_elsewhere_is_refused(bench: UniqueBench, visitor: Visitor) -> None:
    answer = visitor.client.post("/unique", data={"digest": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403

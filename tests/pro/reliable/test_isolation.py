"""A process that cannot be had is told, with the reason, and nobody waits for it for ever."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from offsider import App
from offsider.contract.work import UnitOfWork
from offsider_pro.reliable import isolation as room
from offsider_pro.reliable.isolation import Isolation, Run

UNIT = UnitOfWork("1:default", "default", b"{}")


@pytest.fixture
def isolation(pro: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Isolation]:
    """Of an app that this process has in a module which no other finds."""
    made = ModuleType("only_here")
    vars(made)["app"] = pro
    monkeypatch.setitem(sys.modules, "only_here", made)
    one = Isolation(pro)
    yield one
    one.close()


def test_an_app_that_cannot_be_imported_is_refused_once_and_for_all(
    isolation: Isolation, caplog: pytest.LogCaptureFixture
) -> None:
    assert isolation.is_possible("job")
    run = isolation.run(UNIT, "owner", "job")
    assert run.wait(60)
    assert run.end.settlement is run.end.cause is None
    assert "before it was ready" in run.end.why
    assert not isolation.is_possible("job")
    assert "No module named 'only_here'" in caplog.text
    assert isolation.run(UNIT, "owner", "job").end.why == "it cannot run alone here"


def test_a_process_that_cannot_be_started_is_told(isolation: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_given: object, **_more: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(room.subprocess, "Popen", refused)
    assert isolation.is_possible("job")
    run = isolation.run(UNIT, "owner", "job")
    assert (run.is_over, run.end.why) == (True, "no more processes")


def test_a_run_that_is_stopped_before_it_began_is_over_at_once() -> None:
    run = Run(1, UNIT, "owner", "job")
    run.stop(30)
    assert (run.is_over, run.end.settlement, run.end.cause) == (True, None, None)


def test_the_first_word_about_an_end_counts() -> None:
    run = Run(1, UNIT, "owner", "job")
    run.finish(room.End(why="first"))
    run.finish(room.End(why="second"))
    assert run.end.why == "first"


def test_nothing_is_isolated_when_the_settings_say_so(pro: App) -> None:
    assert not Isolation(pro, wanted=False).is_possible()

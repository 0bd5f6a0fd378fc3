"""An answer is kept for some seconds, for each app and question; one look at a time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from offsider import App, clock
from offsider.web.kept import Kept


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock to be set."""
    at = [1000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: at[0])
    return at


class Looks:
    """Counts looks."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


def test_an_answer_is_given_again_for_some_seconds(app: App, now: list[float]) -> None:
    kept, look = Kept[int](15.0), Looks()
    assert kept.of(app, "a", look) == 1
    now[0] += 14.9
    assert kept.of(app, "a", look) == 1
    now[0] += 0.2
    assert kept.of(app, "a", look) == 2
    kept.forget()
    assert kept.of(app, "a", look) == 3


def test_each_app_and_question_has_its_own(app: App, make_app: Any) -> None:
    kept, look = Kept[int](15.0), Looks()
    answers = [kept.of(app, "a", look), kept.of(app, "b", look), kept.of(make_app(namespace="other"), "a", look)]
    assert answers == [1, 2, 3]
    assert kept.of(app, "a", look) == 1


def test_who_asks_during_a_look_gets_the_one_before(app: App, now: list[float]) -> None:
    kept, look = Kept[int](15.0), Looks()
    kept.of(app, "a", look)
    now[0] += 60
    found: list[int] = []

    def asks_meanwhile() -> int:
        thread = threading.Thread(target=lambda: found.append(kept.of(app, "a", look)))
        thread.start()
        thread.join(5)
        return 7

    assert kept.of(app, "a", asks_meanwhile) == 7
    assert found == [1]


def test_a_look_that_fails_is_the_askers_and_nothing_is_kept(app: App) -> None:
    kept = Kept[int](15.0)
    with pytest.raises(ValueError, match="no"):
        kept.of(app, "a", lambda: int("no"))
    assert kept.of(app, "a", lambda: 5) == 5


def test_an_app_is_not_kept_alive(make_app: Any) -> None:
    kept = Kept[int](15.0)

    class Elsewhere:
        pass

    other = Elsewhere()
    kept.of(other, "a", lambda: 5)
    del other
    assert len(kept._answers) == 0

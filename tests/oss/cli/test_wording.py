"""Numbers, times and text of others as commands write them; its examples are run with those of all modules."""

from __future__ import annotations

import click
import pytest

from offsider import clock
from offsider.cli.wording import When, instant, moment, plain


def test_a_moment_is_before_or_after_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_s", lambda: 1000.0)
    assert [moment(at) for at in (1090.0, 1000.0, 400.0, None)] == ["in 1 m 30 s", "in 0.0 s", "10 m 0 s ago", ""]


def test_an_instant_that_is_not_known_is_nothing() -> None:
    assert instant(None) == ""


def test_text_that_can_be_shown_stays() -> None:
    assert plain("Jérôme 郵便 🙂") == "Jérôme 郵便 🙂"
    assert plain("a\u202eb") == "a\ufffdb", "nor does it turn the line around"


def test_a_time_without_a_zone_is_local() -> None:
    found = When().convert("2027-01-31T12:00:00", None, None)
    assert found.tzinfo is not None
    assert (found.hour, found.day) == (12, 31)
    assert When().convert(found, None, None) is found
    with pytest.raises(click.BadParameter, match=r"expected e\.g\. 10m"):
        When().convert("soon", None, None)

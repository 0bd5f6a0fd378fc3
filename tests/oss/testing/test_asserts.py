"""What a test says of enqueued jobs, and the message when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import ANY
from uuid import UUID

import pytest

from offsider import App
from offsider.errors import InvalidArguments, InvalidOption
from offsider.testing import assert_enqueued, assert_not_enqueued, crash_at, fake

app = App("redis://127.0.0.1:1/0", editions=[])


@app.job(name="welcome", queue="mail")
def welcome(user: UUID, locale: str = "en", *, loud: bool = False) -> None:
    """Welcomes."""


@app.job(name="other")
def other() -> None:
    """Does something else."""


ADA, GRACE = UUID(int=1), UUID(int=2)


def test_it_finds_by_arguments_however_they_were_given() -> None:
    with fake(app):
        jid = welcome.enqueue(ADA, "de", loud=True)
        welcome.enqueue(GRACE)
        assert assert_enqueued(welcome, ADA, locale="de", loud=True).jid == jid
        assert assert_enqueued(welcome, user=ADA, locale=ANY, loud=True).jid == jid
        assert assert_enqueued(welcome).jid == jid, "any call"
        assert_enqueued(welcome, count=2)
        assert_enqueued(welcome, GRACE, queue="mail", at=None, count=1)


def test_it_finds_by_time_and_by_field() -> None:
    with fake(app):
        welcome.using(delay=3600, tags=["a"]).enqueue(ADA)
        assert_enqueued(welcome, ADA, at=timedelta(hours=1), using={"tags": ["a"]})
        assert_enqueued(welcome, at=datetime.now(UTC) + timedelta(hours=1))
        with pytest.raises(AssertionError, match="due in 3600 s, not now"):
            assert_enqueued(welcome, at=None)
        with pytest.raises(AssertionError, match=r"tags is \['a'\], not \['b'\]"):
            assert_enqueued(welcome, using={"tags": ["b"]})


def test_the_message_shows_each_job_and_where_it_differs() -> None:
    with fake(app):
        welcome.enqueue(ADA, "de")
        welcome.using(queue="low").enqueue(GRACE, loud=True)
        with pytest.raises(AssertionError) as failed:
            assert_enqueued(welcome, ADA, "fr", queue="mail")
    assert str(failed.value).splitlines() == [
        f"expected at least one, found 0: welcome({ADA!r}, 'fr') in queue 'mail'",
        "enqueued were 2:",
        f"  1. <FakeJob welcome({ADA!r}, 'de') queue='mail'>",
        "       argument 1 is 'de', not 'fr'",
        f"  2. <FakeJob welcome({GRACE!r}, loud=True) queue='low'>",
        f"       argument 0 is {GRACE!r}, not {ADA!r}",
        "       argument 1 is not given, not 'fr'",
        "       loud= is True, not not given",
        "       queue is 'low', not 'mail'",
    ]


def test_it_says_when_there_is_none_or_another_number() -> None:
    with fake(app):
        with pytest.raises(AssertionError, match="no other was enqueued at all"):
            assert_enqueued(other)
        other.enqueue()
        with pytest.raises(AssertionError, match="expected 2, found 1"):
            assert_enqueued(other, count=2)


def test_a_call_that_does_not_fit_is_the_tests_mistake() -> None:
    with fake(app), pytest.raises(InvalidArguments):
        assert_enqueued(welcome, ADA, "de", "third")


def test_nothing_was_enqueued() -> None:
    with fake(app):
        assert_not_enqueued(welcome)
        welcome.enqueue(ADA)
        with pytest.raises(AssertionError, match="was enqueued 1 times; expected never"):
            assert_not_enqueued(welcome)


def test_outside_of_fake_there_is_nothing_to_look_at() -> None:
    with pytest.raises(InvalidOption, match="not in fake mode"):
        assert_enqueued(other)
    with fake(app), crash_at(app, 9):
        other.enqueue()
        assert_enqueued(other)

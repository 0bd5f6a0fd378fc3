"""``offsider delete``: what it deletes, what it says, and its exit code."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result

from offsider import App
from offsider_pro.cli import apps
from offsider_pro.cli.delete import delete


@pytest.fixture
def shop(pro: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """An app that ``--app shop`` names."""
    monkeypatch.setattr(apps, "find_app", lambda target, config=None: pro)
    pro.job(name="welcome", queue="mail")(lambda number: None)
    pro.job(name="other", queue="low")(lambda number: None)
    return pro


def run(*words: str, **settings: Any) -> Result:
    return CliRunner().invoke(delete, [*words, "--app", "shop"], catch_exceptions=False, **settings)


def test_jobs_are_deleted_by_id_from_wherever_they_wait(shop: App, raw: Any) -> None:
    waiting = str(shop.jobs["welcome"].enqueue(1))
    later = str(shop.jobs["welcome"].using(delay=60).enqueue(2))
    result = run(waiting, later)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{waiting}: welcome deleted from queue mail",
        f"{later}: welcome deleted from the schedule",
    ]
    assert raw.exists(shop.keys.queue("mail"), shop.keys.schedule) == 0


def test_what_is_not_there_is_said_and_ends_with_1(shop: App) -> None:
    waiting = str(shop.jobs["welcome"].enqueue(1))
    result = run("nobody", waiting)
    assert result.exit_code == 1
    assert "nobody: no such job waits here" in result.output
    assert f"{waiting}: welcome deleted" in result.output


def test_only_the_places_that_are_named_are_looked_at(shop: App) -> None:
    waiting = str(shop.jobs["welcome"].enqueue(1))
    assert run(waiting, "--scheduled").exit_code == 1
    assert run(waiting, "--retries", "-q", "low").exit_code == 1
    assert run(waiting, "-q", "mail").exit_code == 0


def test_a_class_is_deleted_after_a_question(shop: App, raw: Any) -> None:
    shop.jobs["welcome"].enqueue_many([(number,) for number in range(20)])
    shop.jobs["welcome"].using(delay=60).enqueue_many([(number,) for number in range(3)])
    shop.jobs["other"].enqueue(1)
    asked = run("--class", "welcome", input="n\n")
    assert asked.exit_code == 1
    assert "Delete all jobs of the class welcome from queue low, queue mail, the schedule, the retries?" in asked.output
    assert raw.llen(shop.keys.queue("mail")) == 20
    result = run("--class", "welcome", "--yes")
    assert result.exit_code == 0
    assert [line.split(maxsplit=1) for line in result.output.splitlines()] == [
        ["0", "queue low"], ["20", "queue mail"], ["3", "the schedule"], ["0", "the retries"],
    ]  # fmt: skip
    assert raw.llen(shop.keys.queue("low")) == 1
    assert run("--class", "welcome", "--yes").exit_code == 1


def test_a_misspelt_queue_is_named_with_the_right_one(shop: App) -> None:
    shop.jobs["welcome"].enqueue(1)
    assert "Did you mean 'mail'?" in run("nobody", "-q", "mial").output


def test_neither_or_both_is_a_wrong_use(shop: App) -> None:
    assert run().exit_code == 2
    assert run("a", "--class", "b").exit_code == 2

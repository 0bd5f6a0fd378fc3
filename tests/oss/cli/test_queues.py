"""``offsider queues``: listed, shown and cleared, by people and by programs."""

from __future__ import annotations

from typing import Any

import pytest

from offsider import App
from support.cli import offsider, told, told_json


def fill(shop: App, count: int, queue: str = "mail") -> list[str | None]:
    return [shop.jobs["welcome"].using(queue=queue).enqueue(number, locale="de") for number in range(count)]


def test_without_a_queue_that_is_said(shop: App) -> None:
    assert told("queues") == "no queue yet: nothing was ever enqueued here\n"
    assert told_json("queues", "list") == []


def test_the_longest_comes_first_with_its_latency(shop: App) -> None:
    fill(shop, 3)
    fill(shop, 12, "low")
    head, first, second = told("queues").splitlines()
    assert head.split() == ["queue", "size", "latency"]
    assert first.split()[:2] == ["low", "12"]
    assert second.split()[:2] == ["mail", "3"]
    found = told_json("queues")
    assert [(one["name"], one["size"]) for one in found] == [("low", 12), ("mail", 3)]
    assert 0 <= found[0]["latency_s"] < 60


def test_the_jobs_of_a_queue_are_shown_the_next_one_first(shop: App) -> None:
    jids = fill(shop, 30)
    lines = told("queues", "show", "mail").splitlines()
    assert len(lines) == 1 + 25
    assert lines[1].split()[:3] == ["1", jids[0], "welcome"]
    assert lines[1].endswith('0, locale="de"')
    assert [one["jid"] for one in told_json("queues", "show", "mail", "-n", "3")] == jids[:3]
    assert [one["jid"] for one in told_json("queues", "show", "mail", "--newest", "-n", "2")] == [jids[29], jids[28]]
    assert [one["jid"] for one in told_json("queues", "show", "mail", "--all")] == jids[::-1]
    assert told("queues", "show", "none") == "nothing waits in none\n"


def test_a_long_queue_is_shown_page_by_page(shop: App) -> None:
    shop.jobs["welcome"].enqueue_many([(n,) for n in range(1300)])
    assert [one["args"][0] for one in told_json("queues", "show", "mail", "-n", "1200")] == list(range(1200))
    assert len(told_json("queues", "show", "mail", "--all")) == 1300


def test_clearing_asks_first(shop: App) -> None:
    fill(shop, 3)
    refused = offsider("queues", "clear", "mail")
    assert refused.exit_code == 2
    assert "delete all waiting jobs of 1 queue (mail: 3)" in refused.stderr
    assert shop.queues["mail"].size == 3
    assert told("queues", "clear", "mail", "low", "--yes") == "mail: 3 jobs deleted\nlow: 0 jobs deleted\n"
    assert told_json("queues", "clear", "mail", "--yes", code=1) == {"mail": 0}


def test_a_name_that_cannot_be_is_an_error(shop: App) -> None:
    result = offsider("queues", "clear", "a b", "--yes")
    assert result.exit_code != 0
    assert "a b" in str(result.exception)


def test_what_others_wrote_does_not_rule_the_terminal(shop: App) -> None:
    shop.jobs["welcome"].using(queue="mail").enqueue(1, locale="\x1b[2J\u009b2J")
    out = told("queues", "show", "mail")
    assert "\x1b" not in out
    assert "\u009b" not in out


@pytest.mark.parametrize("words", [["queues", "clera", "mail"], ["queues", "clear"], ["queues", "show"]])
def test_a_wrong_command_line_is_refused(words: list[str], shop: App, raw: Any) -> None:
    assert offsider(*words).exit_code == 2

"""Tables fit the terminal: wide columns give way first, and letters that are two columns wide are counted so."""

from __future__ import annotations

import pytest

from offsider.cli.table import LEAST, lines, width

HEAD = ("jid", "name", "error")
ROWS = [("b4a577edbccf1d805744efa9", "shop.jobs.welcome", "ValueError: " + "no paper " * 20), ("b", "x", "")]


def test_in_a_pipe_nothing_is_cut() -> None:
    found = lines(HEAD, ROWS)
    assert found[1].endswith("no paper no paper")
    assert found[0].startswith("jid" + " " * 23 + "name")


@pytest.mark.parametrize("most", [120, 80, 50, 30, 25])
def test_on_a_terminal_it_is_never_wider(most: int) -> None:
    found = lines(HEAD, ROWS, most=most)
    assert max(map(width, found)) <= most
    assert "…" in found[1]


def test_the_widest_column_gives_way_first() -> None:
    line = lines(HEAD, ROWS, most=80)[1]
    assert line.startswith("b4a577edbccf1d805744efa9  shop.jobs.welcome  ValueError")


def test_a_terminal_that_is_too_narrow_gets_the_least() -> None:
    assert max(map(len, lines(HEAD, ROWS, most=5))) <= 3 * LEAST + 4


def test_numbers_stand_to_the_right_and_wide_letters_take_two() -> None:
    assert lines(("queue", "size"), [("郵便", "7"), ("mail", "120")], right=[1]) == [
        "queue  size", "郵便      7", "mail    120",
    ]  # fmt: skip
    assert all(width(line) <= 16 for line in lines(("name",), [("郵便" * 20,)], most=16))


def test_nobodys_text_rules_the_terminal() -> None:
    assert lines(("a",), [("x\x1b]0;title\x07\ny",)]) == ["a", "x\ufffd]0;title\ufffd\ufffdy"]

"""Numbers, times and text of others, short and harmless."""

from __future__ import annotations

import math
from typing import Any

import pytest

from offsider import clock
from offsider.web.wording import call, moment, plain, pretty, short, size, span


def test_a_text_is_one_line_and_cut() -> None:
    assert short("a\nb\rc") == "a b c"
    assert short("x" * 1000, 10) == "x" * 9 + "…"
    assert len(short("\x00" * 1000, 10)) < 100


@pytest.mark.parametrize(
    "letter", ["\x00", "\x1b", "\x7f", "\u202e", "\u2067", "\ufeff", "\ud800", "\u200f", "\u061c", "\u200b"]
)
def test_letters_that_are_not_seen_are_shown_by_number(letter: str) -> None:
    assert plain(f"a{letter}b") == f"a⟨U+{ord(letter):04X}⟩b"
    assert plain("tab\tline\n") == "tab\tline\n"


def test_arguments_are_cut_before_they_are_written() -> None:
    assert call(["x" * 10_000_000], {}, 50).startswith('"xxx')
    assert len(call([list(range(1_000_000))], {"k": "v"}, 50)) <= 50
    assert call([], {}) == ""
    assert call([math.nan, None, True], {}) == "NaN, null, true"


def test_a_large_value_ends_with_how_large_it_is() -> None:
    assert pretty("x" * 1000, 100).endswith("… 1,002")
    assert pretty({"a": object()}).startswith("{")


def test_no_text_is_longer_than_its_bound() -> None:
    assert plain("x" * 100, 100) == "x" * 100
    assert plain("x" * 1000, 100) == "x" * 100 + "\n… 1,000"
    assert len(plain("\u202e" * 1_000_000)) < 100_100


@pytest.mark.parametrize("at", [None, math.nan, math.inf, 1e300, -1e300, "soon"])
def test_what_is_no_time_is_a_dash(at: Any) -> None:
    assert moment(at) == "&ndash;"


def test_a_time_says_how_far_and_exactly() -> None:
    text = moment(clock.now_s() - 65)
    assert "1 m 5 s ago" in text
    assert "UTC" in text
    assert "in 1 h" in moment(clock.now_s() + 3601)


def test_lengths_and_sizes() -> None:
    assert span(1e300).endswith(" h")
    assert size(0) == "0 B"
    assert size(5e12).endswith("GB")

"""Failures that differ by numbers, ids and quoted words only are one group."""

from __future__ import annotations

from typing import Any

import pytest

from offsider.api.entry import JobEntry, read
from offsider.web.fingerprint import grouped, pattern
from support.site import failed, payload


def entry(jid: str, **fields: Any) -> JobEntry:
    """A job that has failed."""
    found = read(failed(jid, **fields))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 17 is gone", "order … is gone"),
        ("no 'tea' and \"cake\"", "no … and …"),
        ("<X object at 0x7f12ab>", "<X object at …>"),
        ("id 0b1c5f3e-7f3e-4a2a-9d1c-0a1b2c3d4e5f", "id …"),
        ("token deadbeefdeadbeef", "token …"),
        ("a\n  b", "a b"),
        ("", ""),
    ],
)
def test_what_varies_is_left_out(message: str, expected: str) -> None:
    assert pattern(message) == expected


def test_a_megabyte_is_looked_at_in_a_moment() -> None:
    assert len(pattern("'" * 1_000_000)) <= 300


def test_groups_count_names_and_times() -> None:
    retries = [entry(f"r{k}", message=f"order {k}", failed_at=1_790_000_000_000 + k * 1000) for k in range(3)]
    dead = [entry("d", message="order 9", failed_at=1_780_000_000.5), entry("x", error="KeyError", message="'a'")]
    first, second = grouped(retries, dead)
    assert (first.error, first.pattern, first.retries, first.dead, first.count) == ("ValueError", "order …", 3, 1, 4)
    assert (first.first_s, first.last_s, first.sample) == (1_780_000_000.5, 1_790_000_002.0, "r2")
    assert first.names == {"shop.welcome": 4}
    assert (first.place, second.place) == ("retry", "dead")
    assert (second.error, second.count) == ("KeyError", 1)


def test_what_has_not_failed_is_in_no_group() -> None:
    job = read(payload("a"))
    assert job is not None
    assert grouped([job], []) == []

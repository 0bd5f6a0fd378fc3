"""An entry is read from its bytes, whatever they are."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest

from offsider.api.entry import read, seconds, traceback_of
from offsider.worker.retry import compressed_traceback


def test_what_is_no_job_is_none() -> None:
    assert read(b"[]") is None
    assert read(b"\xff") is None


def test_what_is_left_out_has_its_default() -> None:
    entry = read(b'{"class":"a","args":[],"jid":"1"}')
    assert entry is not None
    assert (entry.queue, entry.kwargs, entry.tags, entry.error, entry.failures) == ("default", {}, (), "", 0)
    assert (entry.created_s, entry.enqueued_s, entry.died_s, entry.traceback) == (None, None, 0.0, [])


@pytest.mark.parametrize(
    ("stamp", "s"),
    [
        *((1500, 1.5), (1.5, 1.5), ("1", None), (None, None), (True, None), (0, 0.0)),
        *((10**20, None), (999_999_999_999_999, None), (-1, None), (1e308, None), (-1e308, None)),
    ],
)
def test_times_are_read_in_both_forms(stamp: Any, s: float | None) -> None:
    assert seconds(stamp) == s


def test_a_traceback_is_unpacked() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        packed = compressed_traceback(error, True)
    assert traceback_of(packed)[-1] == "ValueError: no"


BOMB = base64.b64encode(zlib.compress(b'["' + b"x" * 50_000_000 + b'"]')).decode()


@pytest.mark.parametrize("packed", [None, 7, "", "!", "YWJj", BOMB, base64.b64encode(zlib.compress(b"{}")).decode()])
def test_what_is_no_traceback_or_too_long_is_empty(packed: Any) -> None:
    assert traceback_of(packed) == []

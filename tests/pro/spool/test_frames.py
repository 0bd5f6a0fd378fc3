"""The bytes of a spool file: what is written is read, and what is none is told from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offsider.contract.undelivered import Undelivered
from offsider_pro.spool import frames

WORDS = st.lists(st.one_of(st.binary(max_size=50), st.integers(-(10**15), 10**15)), max_size=8)


@given(WORDS, st.lists(st.text(max_size=20), max_size=4), st.booleans())
def test_any_words_come_back_as_they_were(words: list[bytes | int], keys: list[str], in_doubt: bool) -> None:
    entry = frames.from_body(frames.to_body(Undelivered(["j", None], keys, [*words], in_doubt), 3, 1234))
    assert entry.push == Undelivered(["j", None], keys, [*words], in_doubt)
    assert (entry.number, entry.at_ms) == (3, 1234)


@given(st.binary(max_size=200), st.integers(0, 199))
def test_a_frame_with_one_bit_of_it_wrong_is_none(body: bytes, at: int) -> None:
    framed = frames.framed(body)
    head, rest = framed[: frames.FRAME_HEAD], framed[frames.FRAME_HEAD :]
    assert frames.frame_length(head) == len(body)
    assert frames.is_whole(head, rest)
    if body:
        at %= len(body)
        assert not frames.is_whole(head, rest[:at] + bytes([rest[at] ^ 1]) + rest[at + 1 :])
        assert not frames.is_whole(head, rest[:-1])


@given(st.integers(0, 2**40), st.integers(0, 2**31), st.integers(0, 2**31))
def test_how_far_it_was_delivered_comes_back(offset: int, entries: int, jobs: int) -> None:
    progress = frames.Progress(offset, entries, jobs, entries // 2, jobs // 2)
    assert frames.read_preamble(frames.preamble(progress)) == progress


def test_what_is_too_short_has_no_frame() -> None:
    assert frames.frame_length(frames.FRAME) is None
    assert frames.frame_length(b"") is None

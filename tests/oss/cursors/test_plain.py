"""Walks through what is in memory: from every place on, what is left and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offsider import App, Retry, cursors
from offsider.errors import InvalidArguments
from offsider.worker.worker import Worker
from support.bench import Bench
from support.waiting import until

SPANS = [range(5), range(1, 10, 3), range(10, 0, -4), range(0)]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_numbers_go_on_after_each_of_them(span: range) -> None:
    whole = [(number, number) for number in span]
    assert list(cursors.numbers(span)) == whole
    for place, (_number, cursor) in enumerate(whole):
        assert list(cursors.numbers(span, after=cursor)) == whole[place + 1 :]


def test_a_range_may_become_longer_or_shorter() -> None:
    assert list(cursors.numbers(range(0, 9, 3), after=3)) == [(6, 6)]
    assert list(cursors.numbers(range(0, 3, 3), after=6)) == []


@pytest.mark.parametrize("after", [-3, 1, 4])
def test_a_number_of_another_range_is_refused(after: int) -> None:
    with pytest.raises(InvalidArguments, match=f"the cursor is {after}: expected a number of range"):
        list(cursors.numbers(range(0, 9, 3), after=after))


@settings(deadline=None, database=None)
@given(st.lists(st.text(max_size=3), max_size=8))
def test_items_go_on_after_each_of_them(of: list[str]) -> None:
    whole = list(zip(of, range(len(of)), strict=True))
    assert list(cursors.items(of)) == whole
    for place in range(len(of)):
        assert list(cursors.items(of, after=place)) == whole[place + 1 :]


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="the cursor is -1"):
        list(cursors.items("abc", after=-1))


@settings(deadline=None, database=None)
@given(st.integers(0, 20), st.integers(1, 7))
def test_batches_have_all_of_a_walk_and_the_cursor_after_it(count: int, size: int) -> None:
    found = list(cursors.batches(cursors.items(range(count)), size))
    assert [one for batch, _cursor in found for one in batch] == list(range(count))
    for batch, cursor in found:
        assert cursor == batch[-1]
        assert 1 <= len(batch) <= size


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="size is 0"):
        list(cursors.batches([], 0))


def test_a_job_that_walks_goes_on_where_it_was(app: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
    done: list[list[str]] = []
    bench = Bench(app, raw, start_worker)

    @app.job(retry=Retry(max=5, delay=0.01))
    def walk(cursor: int | None, words: list[str]) -> Iterator[int]:
        for batch, place in cursors.batches(cursors.items(words, after=cursor), 2):
            if len(done) in (1, 3):
                done.append([])
                raise ValueError("now")
            done.append(batch)
            yield place

    walk.enqueue(list("abcde"))
    bench.start()
    until(lambda: done and done[-1] == ["e"] and bench.is_settled())
    assert done == [["a", "b"], [], ["c", "d"], [], ["e"]]

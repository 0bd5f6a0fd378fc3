"""The demo's database: a row is written once and for all by the job that ends."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from offsider.demo.results import Counts, Key, Measured, Results

A: Key = ("file", "a.py", 1)
B: Key = ("file", "b.py", 1)
MEASURED = Measured(lines=10, functions=2, classes=1, bytes=100, elapsed_ms=1.5)


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """An empty database."""
    return Results(tmp_path / "results.db")


def test_what_is_enqueued_is_known_and_waits(results: Results) -> None:
    results.note_enqueued([A, B])
    assert results.known() == {A, B}
    assert results.counts() == Counts(total=2, done=0, dead=0, retried=0)
    assert not results.has_ended(A)


def test_another_version_of_a_file_is_another_job(results: Results) -> None:
    results.note_enqueued([A])
    results.note_done(A, MEASURED, 0)
    assert not results.has_ended(("file", "a.py", 2))


def test_a_worker_that_is_quicker_than_the_note_of_the_enqueue_is_not_overwritten(results: Results) -> None:
    results.note_done(A, MEASURED, 0)
    results.note_enqueued([A, B])
    assert results.has_ended(A)
    assert results.counts() == Counts(total=2, done=1, dead=0, retried=0)


def test_an_effect_that_is_repeated_is_one_effect(results: Results) -> None:
    for _repeated in range(3):
        results.note_done(A, MEASURED, 0)
    assert results.counts() == Counts(total=1, done=1, dead=0, retried=0)
    assert results.sums("file") == (1, 10, 2, 1, 100)


def test_attempts_are_counted_from_one_and_only_later_ones_are_retries(results: Results) -> None:
    results.note_done(A, MEASURED, 0)
    results.note_attempt(B, 1)
    results.note_attempt(B, 2)
    assert results.counts().retried == 1
    results.note_dead(B, "SyntaxError: no")
    assert results.dead() == [("b.py", 3, "SyntaxError: no")]
    assert results.counts() == Counts(total=2, done=1, dead=1, retried=1)
    assert results.counts().ended == 2


def test_the_largest_come_first_and_equal_ones_by_name(results: Results) -> None:
    for name, lines in (("c", 5), ("a", 7), ("b", 5), ("d", 1)):
        results.note_done(("file", name, 1), Measured(lines, 0, 0, 0, 0.5), 0)
    results.note_done(("folder", "e", 1), Measured(99, 0, 0, 0, 0.5), 0)
    assert [row[0] for row in results.largest(3)] == ["a", "b", "c"]


def test_an_empty_database_has_sums_of_nothing(results: Results) -> None:
    assert results.sums("file") == (0, 0, 0, 0, 0)
    assert results.counts() == Counts(0, 0, 0, 0)
    assert (results.dead(), results.largest(5)) == ([], [])


def test_many_threads_write_at_once_and_another_process_reads_it_all(results: Results, tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def write(thread: int) -> None:
        together.wait(10)
        for n in range(20):
            results.note_done(("file", f"{thread}-{n}", 1), MEASURED, 0)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert Results(tmp_path / "results.db").counts().done == 160

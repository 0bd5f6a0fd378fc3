"""The demo's jobs: what they find out, that they find it out once, and that every death is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offsider import Cancel, Context
from offsider.demo import jobs
from offsider.demo.results import Results
from offsider.worker.recovery import ProcessLost

SOURCE = '''\
"""Ä."""
class A:
    def one(self):
        return lambda: 1
    async def two(self):
        def inner(): ...
'''


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    """The jobs' database, in the folder of this test."""
    before = jobs.app.settings.redis.data_dir
    jobs.app.override(redis={"data_dir": str(tmp_path)})
    jobs.results.cache_clear()
    yield jobs.results()
    jobs.app.override(redis={"data_dir": before})
    jobs.results.cache_clear()


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file with one class and three functions."""
    path = tmp_path / "source.py"
    path.write_text(SOURCE, "utf-8")
    return str(path)


def test_a_file_is_measured(results: Results, source: str) -> None:
    assert jobs.measure(source, 1) is None
    assert results.sums("file") == (1, 6, 3, 1, len(SOURCE.encode()))
    (path, _lines, _functions, _classes, elapsed_ms) = results.largest(1)[0]
    assert path == source
    assert 0 < elapsed_ms < 10_000


def test_a_folder_is_added_up_without_what_lies_deeper(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 100)
    (folder / "b").write_bytes(b"x" * 23)
    (folder / "link").symlink_to(folder / "a")
    (folder / "sub/c").write_bytes(b"x" * 1000)

    async def survey(folder: Path) -> object:
        return await jobs.survey(str(folder), 1)

    assert asyncio.run(survey(folder)) is None
    assert results.sums("folder") == (1, 0, 0, 0, 123)
    assert asyncio.run(survey(folder)) == Cancel("surveyed before")


def test_a_second_run_of_the_same_job_ends_without_an_effect(results: Results, source: str) -> None:
    jobs.measure(source, 1)
    Path(source).write_text("x = 1\n", "utf-8")
    assert jobs.measure(source, 1) == Cancel("measured before")
    assert results.sums("file")[1] == 6, "the first result stays"
    assert jobs.measure(source, 2) is None


@pytest.mark.parametrize(
    "content",
    [b"def f(:\n", b"x = 1\0\n", b"# coding: nonsense\n", b"'\xff'\n"],
    ids=["syntax", "nul", "coding", "utf"],
)
def test_a_file_that_cannot_be_parsed_fails_and_has_no_result(content: bytes, results: Results, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(content)
    with pytest.raises((SyntaxError, ValueError)):
        jobs.measure(str(path), 1)
    assert results.counts().ended == 0


def test_a_later_attempt_is_noted_before_it_fails(results: Results, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        jobs.measure(str(tmp_path / "gone.py"), 1, Context(attempt=2))
    assert results.counts().retried == 1


def record(name: str, path: str) -> dict[str, Any]:
    """A job's record, as hooks and listeners get it."""
    return {"class": name, "args": [path, 1], "jid": "1", "queue": "files", "retry": 2, "crashes": 4}


def test_a_death_is_noted_with_the_error(results: Results) -> None:
    jobs.note_death(record("measure", "bad.py"), SyntaxError("invalid syntax"))
    jobs.note_death(record("survey", "folder"), OSError("gone"))
    assert results.dead() == [("bad.py", 0, "SyntaxError: invalid syntax"), ("folder", 0, "OSError: gone")]
    assert results.has_ended(("file", "bad.py", 1))
    assert results.has_ended(("folder", "folder", 1))


def test_a_job_whose_process_was_lost_too_often_is_noted_as_dead(results: Results) -> None:
    jobs.app.events.emit("death", record("measure", "poison.py"), ProcessLost("lost 4 times"))
    assert results.dead() == [("poison.py", 0, "ProcessLost: lost 4 times")]

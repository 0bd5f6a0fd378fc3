"""A spool file: what is kept is on disk, comes back in order, and survives torn ends, damage and its writer's death."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from offsider_pro.spool import frames
from offsider_pro.spool.file import SpoolFile
from support.spool import push

PLACE = {"url": "redis://here", "prefix": "{offsider}:"}


def kept(file: SpoolFile) -> list[int]:
    """Deliver all of it; the numbers of its jobs."""
    found = []
    while (first := file.first()) is not None:
        entry, end = first
        found += [int(str(jid)[1:]) for jid in entry.push.jids]
        file.advance(entry, end)
    return found


def keep(file: SpoolFile, *numbers: int) -> None:
    for number in numbers:
        file.sync(file.write(push(number)))


@pytest.fixture
def file(tmp_path: Path) -> SpoolFile:
    return SpoolFile.make(tmp_path, PLACE)


def test_pushes_come_back_in_their_order_as_they_were(file: SpoolFile) -> None:
    pushes = [push(1), push(2, in_doubt=True)]
    pushes[1].words[4] = b"\xff\xfe not UTF-8 \xed\xa0\x80"
    for one in pushes:
        file.sync(file.write(one))
    found = []
    while (first := file.first()) is not None:
        found.append(first[0])
        file.advance(*first)
    assert [one.push for one in found] == pushes
    assert [one.number for one in found] == [1, 2]
    assert file.is_done
    assert file.jobs_left == 0


def test_nothing_is_delivered_before_it_is_on_disk(file: SpoolFile) -> None:
    end = file.write(push(1))
    assert file.first() is None
    assert not file.is_done
    file.sync(end)
    assert kept(file) == [1]


def test_only_its_owner_may_read_it(file: SpoolFile) -> None:
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_who_takes_over_goes_on_where_the_other_has_stopped(file: SpoolFile) -> None:
    keep(file, 1, 2, 3)
    first = file.first()
    assert first is not None
    file.advance(*first)
    assert SpoolFile.take(file.path) is None, "it is held"
    file.close()
    other = SpoolFile.take(file.path)
    assert other is not None
    assert other.jobs_left == 2
    assert other.about == file.about
    assert kept(other) == [2, 3]
    other.end()
    assert not file.path.exists()


def test_a_file_that_was_removed_meanwhile_is_not_taken(file: SpoolFile) -> None:
    number = os.open(file.path, os.O_RDWR)
    link = Path(f"/proc/self/fd/{number}")
    if link.exists():
        file.end()
        assert SpoolFile.take(link) is None
    os.close(number)


def test_a_file_that_is_gone_before_it_is_opened_is_not_taken(file: SpoolFile) -> None:
    file.end()
    assert SpoolFile.take(file.path) is None


@pytest.mark.parametrize("lost", [1, 5, frames.FRAME_HEAD, frames.FRAME_HEAD + 20, 100])
def test_a_torn_end_is_no_push_and_the_others_are(file: SpoolFile, lost: int) -> None:
    keep(file, 1, 2, 3)
    file.close()
    os.truncate(file.path, file.size - lost)
    other = SpoolFile.take(file.path)
    assert other is not None
    assert kept(other) == [1, 2]
    assert not other.damaged_bytes
    other.end()
    assert list(file.path.parent.iterdir()) == []


def test_what_was_damaged_is_passed_over_and_kept(file: SpoolFile) -> None:
    keep(file, 1)
    begin = file.size
    keep(file, 2, 3)
    file.close()
    with file.path.open("r+b") as raw:
        raw.seek(begin + 30)
        raw.write(b"\0" * 8)
    other = SpoolFile.take(file.path)
    assert other is not None
    assert kept(other) == [1, 3]
    assert other.damaged_bytes > 0
    other.end()
    assert [one.suffix for one in file.path.parent.iterdir()] == [".damaged"]


def test_a_last_push_that_was_damaged_is_not_taken_for_one_that_was_not_finished(
    file: SpoolFile, caplog: pytest.LogCaptureFixture
) -> None:
    keep(file, 1)
    begin = file.size
    keep(file, 2)
    file.close()
    with file.path.open("r+b") as raw:
        raw.seek(begin + 30)
        raw.write(b"\0" * 8)
    other = SpoolFile.take(file.path)
    assert other is not None
    assert kept(other) == [1]
    assert other.is_done
    other.end()
    assert [one.suffix for one in file.path.parent.iterdir()] == [".damaged"]
    assert "cannot be read, and may have been jobs. Look at the disk" in caplog.text


def test_a_progress_that_was_torn_means_from_the_beginning(file: SpoolFile) -> None:
    keep(file, 1, 2)
    first = file.first()
    assert first is not None
    file.advance(*first)
    file.close()
    with file.path.open("r+b") as raw:
        raw.seek(frames.PROGRESS_AT + 2)
        raw.write(b"\x77")
    other = SpoolFile.take(file.path)
    assert other is not None
    assert kept(other) == [1, 2]


def test_many_threads_keep_at_once_and_nothing_is_lost(file: SpoolFile) -> None:
    threads = [threading.Thread(target=keep, args=(file, *range(first, first + 20))) for first in range(0, 160, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kept(file)
    assert sorted(found) == list(range(160))
    for first_number in range(0, 160, 20):
        assert [one for one in found if first_number <= one < first_number + 20] == list(
            range(first_number, first_number + 20)
        ), "each thread's own in its order"


def test_a_newer_format_and_newer_pushes_are_left_alone(file: SpoolFile, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(file, 1)
    file.close()
    for name in ("VERSION", "FORM"):
        with monkeypatch.context() as patch:
            patch.setattr(frames, name, 0)
            with pytest.raises(frames.Newer, match="this version knows up to"):
                SpoolFile.take(file.path)
    taken = SpoolFile.take(file.path)
    assert taken is not None
    assert kept(taken) == [1]


@pytest.mark.parametrize("content", [b"", b"x" * 200, frames.preamble(frames.Progress())])
def test_what_is_no_spool_file_is_not_taken(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "0000000000000-1-00000000.spool"
    path.write_bytes(content)
    assert SpoolFile.take(path) is None
    assert path.read_bytes() == content


LIMITED = """
import resource, signal, sys
from pathlib import Path
from offsider_pro.spool.file import SpoolFile
from support.spool import push
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = SpoolFile.make(Path(sys.argv[1]), {"url": "", "prefix": ""})
file.sync(file.write(push(1)))
resource.setrlimit(resource.RLIMIT_FSIZE, (file.size + 50, resource.RLIM_INFINITY))
try:
    file.write(push(2))
except OSError as error:
    print(type(error).__name__, file.path.stat().st_size == file.size, file.progress.entries)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.sync(file.write(push(3)))
while (first := file.first()) is not None:
    print(first[0].push.jids[0])
    file.advance(*first)
"""


def test_a_disk_that_is_full_takes_nothing_of_a_push_and_the_next_one_once_there_is_room(tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=tests, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["OSError True 1", "j1", "j3"]


def test_after_a_failed_sync_the_file_is_written_no_more_and_keeps_what_was_on_disk(
    file: SpoolFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(file, 1)

    def fails(_number: int) -> None:
        raise OSError(5, "Input/output error")

    end = file.write(push(2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="Input/output"):
            file.sync(end)
    with pytest.raises(OSError, match="could not be written"):
        file.sync(end)
    with pytest.raises(OSError, match="could not be written before"):
        file.write(push(3))
    assert file.is_broken
    assert kept(file) == [1]
    assert file.is_done

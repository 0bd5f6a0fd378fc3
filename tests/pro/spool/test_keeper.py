"""Keeping: bounded, in order, by this process for itself; what cannot be kept is told."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from offsider.errors import NotKept
from offsider_pro.config import SpoolSettings
from offsider_pro.spool import keeper as module
from offsider_pro.spool.folder import SpoolFolder
from offsider_pro.spool.keeper import SpoolKeeper
from support.spool import push


def make(root: Path, settings: SpoolSettings | None = None) -> SpoolKeeper:
    return SpoolKeeper(SpoolFolder(root, "redis://db", "{offsider}:"), settings or SpoolSettings(), lambda: None)


def deliver(keeper: SpoolKeeper) -> list[int]:
    """All of it, as if Redis had taken it; the numbers."""
    found = []
    while (file := keeper.oldest()) is not None:
        while (first := file.first()) is not None:
            found.append(int(str(first[0].push.jids[0])[1:]))
            file.advance(*first)
        assert keeper.finish(file)
    return found


def test_it_holds_from_the_first_push_until_the_last_was_delivered(tmp_path: Path) -> None:
    keeper = make(tmp_path)
    assert not keeper.holds
    for number in range(3):
        keeper.keep(push(number))
    assert keeper.holds
    file = keeper.oldest()
    assert file is not None
    assert not keeper.finish(file)
    assert deliver(keeper) == [0, 1, 2]
    assert not keeper.holds
    assert keeper.folder.files() == []


def test_a_loop_keeps_without_waiting_for_the_disk(tmp_path: Path) -> None:
    keeper = make(tmp_path)
    asyncio.run(keeper.akeep(push(1)))
    assert deliver(keeper) == [1]


def test_more_than_the_settings_allow_is_refused_clearly(tmp_path: Path) -> None:
    keeper = make(tmp_path, SpoolSettings(most_jobs=2))
    keeper.keep(push(1))
    keeper.keep(push(2))
    with pytest.raises(NotKept, match=r"is full: it has 2 jobs \(at most 2\) in .* raise pro\.spool\.most_jobs"):
        keeper.keep(push(3))
    other = make(tmp_path, SpoolSettings(most_jobs=2))
    with pytest.raises(NotKept, match="is full"):
        other.keep(push(4))
    assert not other.holds
    assert deliver(keeper) == [1, 2]
    other.keep(push(5))
    small = make(tmp_path / "small", SpoolSettings(most_bytes=1_000_000))
    large = push(6)
    large.words[-1] = b"x" * 600_000
    small.keep(large)
    with pytest.raises(NotKept, match=r"at most 1,000,000"):
        small.keep(large)


def test_a_long_file_is_followed_by_another_and_removed_as_soon_as_it_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)
    keeper = make(tmp_path)
    for number in range(12):
        keeper.keep(push(number))
    assert len(keeper.folder.files()) > 2
    assert deliver(keeper) == list(range(12))
    assert keeper.folder.files() == []


def test_after_a_failed_sync_the_next_push_goes_into_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = make(tmp_path)
    keeper.keep(push(1))

    def fails(_number: int) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(NotKept, match=r"does not take it: .*no space"):
            keeper.keep(push(2))
    keeper.keep(push(3))
    assert len(keeper.folder.files()) == 2
    assert deliver(keeper) == [1, 3]


def test_a_first_push_that_does_not_get_to_disk_holds_up_no_other_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poked: list[None] = []
    folder = SpoolFolder(tmp_path, "redis://db", "{offsider}:")
    keeper = SpoolKeeper(folder, SpoolSettings(), lambda: poked.append(None))
    calls = iter(range(10))

    def fails(_number: int) -> None:
        if next(calls) >= 2:  # the file and its folder are made, but the push cannot be brought to disk
            raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(NotKept, match="no space"):
            keeper.keep(push(1))
    assert poked, "nobody would see that there is nothing to wait for"
    assert deliver(keeper) == []
    assert not keeper.holds


def test_what_is_let_go_is_there_for_the_next(tmp_path: Path) -> None:
    keeper = make(tmp_path)
    keeper.keep(push(1))
    keeper.close()
    keeper.close()
    assert not keeper.holds
    assert keeper.folder.depth().jobs == 1


def test_a_child_begins_with_nothing_and_its_parent_goes_on(tmp_path: Path) -> None:
    keeper = make(tmp_path)
    keeper.keep(push(1))
    child = os.fork()
    if child == 0:
        try:
            assert not keeper.holds
            assert keeper.oldest() is None
            keeper.keep(push(2))
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert keeper.holds
    assert deliver(keeper) == [1]
    assert keeper.folder.depth().jobs == 1, "the child's waits for whoever looks next"


def test_a_folder_that_has_gone_is_told(tmp_path: Path) -> None:
    keeper = make(tmp_path)
    keeper.keep(push(1))
    keeper.close()
    shutil.rmtree(keeper.folder.path)
    keeper.folder.path.write_bytes(b"")
    with pytest.raises(NotKept, match="The spool cannot be used"):
        keeper.keep(push(2))

"""Where spools lie, whose they are, and how much is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offsider import clock
from offsider.errors import NotKept
from offsider_pro.spool.file import SpoolFile
from offsider_pro.spool.folder import SpoolFolder, default_root, strangers
from support.spool import push

PREFIX = "{offsider}:"


def folder(root: Path, url: str = "redis://db:6379/0", prefix: str = PREFIX) -> SpoolFolder:
    made = SpoolFolder(root, url, prefix)
    made.make()
    return made


def filled(place: SpoolFolder, *numbers: int, suffix: str = ".spool") -> SpoolFile:
    file = SpoolFile.make(place.path, place.place, suffix)
    for number in numbers:
        file.sync(file.write(push(number)))
    return file


def test_a_place_is_a_redis_and_a_namespace_whatever_the_password(tmp_path: Path) -> None:
    paths = {
        SpoolFolder(tmp_path, url, prefix).path
        for url in ("redis://db:6379/0", "redis://:secret@db:6379/0", "redis://me:other@db:6379/0")
        for prefix in (PREFIX,)
    }
    assert len(paths) == 1
    others = {("redis://db:6379/1", PREFIX), ("redis://other:6379/0", PREFIX), ("redis://db:6379/0", "{shop}:")}
    others |= {("redis://db:6379/0", ""), ("unix:///run/redis.sock?db=1", PREFIX), ("unix:///run/redis.sock", PREFIX)}
    assert len({SpoolFolder(tmp_path, url, prefix).path for url, prefix in others} | paths) == 7
    assert "secret" not in str(SpoolFolder(tmp_path, "redis://:secret@db:6379/0", PREFIX).place)


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    assert folder(tmp_path / "a" / "b").path.stat().st_mode & 0o777 == 0o700


def test_its_depth_is_that_of_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder(tmp_path)
    assert place.depth().files == 0
    first, second, aside = filled(place, 1, 2, 3), filled(place, 4), filled(place, 9, suffix=".refused")
    found = first.first()
    assert found is not None
    first.advance(*found)
    (place.path / "0000000000001-1-00000000.damaged").write_bytes(b"")
    (place.path / "notes.txt").write_bytes(b"somebody's")
    now_ms = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms + 60_000)
    depth = place.depth()
    assert (depth.jobs, depth.files, depth.refused, depth.newer) == (3, 3, 1, 0)
    assert depth.bytes == first.size + second.size + aside.size
    assert 59 < depth.oldest_s < 70


def test_the_oldest_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder(tmp_path)
    made = []
    for now_ms in (2_000_000_000_000, 1_900_000_000_000):
        monkeypatch.setattr(clock, "now_ms", lambda now_ms=now_ms: now_ms)
        made.append(filled(place, 1).path)
    assert place.files() == made[::-1]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert not SpoolFolder(tmp_path / "a", "redis://db", PREFIX).is_writable


def test_a_folder_that_cannot_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotKept, match=r"cannot be used: .*\. Set pro\.spool\.folder"):
        folder(tmp_path / "file")


def test_the_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    with pytest.raises(NotKept, match="belongs to user"):
        folder(tmp_path)


def test_folders_of_other_places_are_found(tmp_path: Path) -> None:
    ours, theirs, empty = folder(tmp_path), folder(tmp_path, prefix="{shop}:"), folder(tmp_path, prefix="{void}:")
    filled(ours, 1), filled(theirs, 2)
    assert empty.path.is_dir()
    assert strangers(tmp_path, {ours.path}) == [theirs.path]
    assert strangers(tmp_path / "nowhere", set()) == []


def test_what_was_left_half_made_is_removed_when_it_is_old(tmp_path: Path) -> None:
    place = folder(tmp_path)
    fresh, old = place.path / "1.new", place.path / "2.new"
    for path in (fresh, old):
        path.write_bytes(b"")
    os.utime(old, (1, 1))
    place.sweep()
    assert fresh.exists()
    assert not old.exists()


def test_without_a_setting_it_is_in_the_users_own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "offsider" / "spool"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".local/state/offsider/spool"

"""What the demo works on: every Python file and folder below a root, by name and time of change."""

from __future__ import annotations

import os
from pathlib import Path

from offsider.demo.tree import find, standard_library


def names(root: Path) -> list[tuple[str, str]]:
    """Kind and path below the root."""
    return [(kind, os.path.relpath(path, root)) for kind, path, _version in find(root)]


def test_every_python_file_and_folder_is_found_in_order(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "sub/c.py", "sub/deep/d.py", "notes.txt", "sub/data.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == [
        *(("folder", "."), ("file", "a.py"), ("file", "b.py")),
        *(("folder", "sub"), ("file", "sub/c.py")),
        *(("folder", "sub/deep"), ("file", "sub/deep/d.py")),
    ]


def test_what_belongs_to_others_or_is_hidden_is_left_out(tmp_path: Path) -> None:
    for folder in ("__pycache__", "site-packages", "node_modules", ".git", "kept"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").touch()
    assert names(tmp_path) == [("folder", "."), ("folder", "kept"), ("file", "kept/a.py")]


def test_only_files_are_files(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round").symlink_to(tmp_path)
    assert names(tmp_path) == [("folder", "."), ("folder", "folder.py")]


def test_the_version_is_the_time_of_change_so_a_changed_file_is_a_new_job(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    os.utime(tmp_path / "a.py", ns=(1, 1_000_000_000_000_000_007))
    assert ("file", str(tmp_path / "a.py"), 1_000_000_000_000_000_007) in list(find(tmp_path))
    before = set(find(tmp_path))
    os.utime(tmp_path / "a.py", ns=(1, 1_000_000_000_000_000_008))
    assert {kind for kind, _path, _version in set(find(tmp_path)) - before} == {"file"}


def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).touch()
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe"))
    odd.mkdir()
    (odd / "b.py").touch()
    assert names(tmp_path) == [("folder", "."), ("file", "a.py")]


def test_the_standard_library_has_the_module_that_says_so() -> None:
    assert (standard_library() / "sysconfig.py").is_file() or (standard_library() / "sysconfig").is_dir()

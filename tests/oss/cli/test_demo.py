"""``offsider demo``: its folders and its options; what a run does is proved beside the demo itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from offsider.cli import demo as module
from offsider.cli.main import main
from offsider.demo import run as demo_run
from offsider.demo import tree


class Recorded:
    """Stands where the run stands, and keeps what it was asked for."""

    asked: list[tuple[Path, Path, dict[str, Any]]]
    forgotten: list[Path]

    def __init__(self, root: Path, kept: Path, **options: Any) -> None:
        self.asked.append((root, kept, options))

    def run(self) -> int:
        return 3


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Recorded]:
    """No run; the cache is the test's own."""
    Recorded.asked, Recorded.forgotten = [], []
    monkeypatch.setattr(demo_run, "Demo", Recorded)
    monkeypatch.setattr(demo_run, "fresh", Recorded.forgotten.append)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Recorded


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """Run the entry point; its exit code."""
    monkeypatch.setattr(sys, "argv", ["offsider", "demo", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_without_a_folder_it_is_this_pythons_library(
    recorded: type[Recorded], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(monkeypatch) == 3, "the exit code of the run"
    ((root, kept, options),) = recorded.asked
    assert root == tree.standard_library().resolve()
    assert kept.parent == (tmp_path / "cache/offsider").resolve()
    assert options == {"concurrency": 10, "plain": False}
    assert recorded.forgotten == []


def test_what_is_typed_reaches_the_run(
    recorded: type[Recorded], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "source", "-c", "4", "--data-dir", "kept", "--plain", "--fresh") == 3
    assert recorded.asked == [(source.resolve(), (tmp_path / "kept").resolve(), {"concurrency": 4, "plain": True})]
    assert recorded.forgotten == [(tmp_path / "kept").resolve()]


def test_each_folder_has_a_place_of_its_own_and_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, other = module._default_folder(Path("/one")), module._default_folder(Path("/other"))
    assert one == module._default_folder(Path("/one"))
    assert one != other
    assert one.is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert module._default_folder(Path("/one")) == Path.home() / ".cache/offsider" / one.name
    assert module._default_folder(Path(os.fsdecode(b"/\xff"))).name != one.name, "also a name that is no text"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nowhere"], "Directory 'nowhere' does not exist"),
        (["file.py"], "Directory 'file.py' is a file"),
        (["-c", "0"], "0 is not in the range"),
        (["--data-dir", "file.py"], "Directory 'file.py' is a file"),
    ],
)
def test_a_bad_command_line_is_one_message_with_exit_code_2(
    words: list[str],
    expected: str,
    recorded: type[Recorded],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.py").touch()
    assert run(monkeypatch, *words) == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]
    assert recorded.asked == []

"""What the doctor says of the spool of its machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App, clock
from offsider.api.doctor import doctor
from offsider.contract.findings import OK, PROBLEM, WARNING, Finding
from offsider_pro.spool.file import SpoolFile
from offsider_pro.spool.folder import SpoolFolder
from support.spool import note, push

Make = Callable[..., App]


@pytest.fixture
def fill(spool: Path) -> Callable[..., SpoolFile]:
    """Files with jobs in the folder of an app."""

    def filled(app: App, *numbers: int, suffix: str = ".spool") -> SpoolFile:
        folder = SpoolFolder(spool, app.connections.url, app.keys.prefix)
        folder.make()
        file = SpoolFile.make(folder.path, folder.place, suffix)
        for number in numbers:
            file.sync(file.write(push(number)))
        return file

    return filled


def found(app: App) -> list[Finding]:
    return [one for one in doctor(app).findings if one.name == "spool"]


def test_an_empty_spool_is_well(make_spooled: Make) -> None:
    [finding] = found(make_spooled())
    assert finding.level == OK
    assert finding.value.startswith("nothing waits in ")


def test_what_waits_is_told_and_warned_of_when_it_waits_for_long(
    make_spooled: Make, fill: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_spooled()
    fill(app, 1, 2)
    [finding] = found(app)
    assert (finding.level, finding.value[:26]) == (OK, "2 jobs in 1 files wait in ")
    now_ms = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms + 120_000)
    [finding] = found(app)
    assert finding.level == WARNING
    assert "for up to 120 s" in finding.value


def test_one_that_is_nearly_full_is_a_problem(make_spooled: Make, fill: Any) -> None:
    app = make_spooled(spool={"most_jobs": 2})
    fill(app, 1, 2)
    [finding] = found(app)
    assert finding.level == PROBLEM
    assert "When it is full, each push is an error" in finding.advice


@pytest.mark.parametrize(
    ("suffix", "says", "advises"),
    [
        (".refused", "1 pushes that Redis took for wrong", "rename the file to end in .spool"),
        (".damaged", "1 damaged files", "look at the disk"),
    ],
)
def test_what_was_put_aside_is_a_problem(make_spooled: Make, fill: Any, suffix: str, says: str, advises: str) -> None:
    app = make_spooled()
    fill(app, 1, suffix=suffix)
    [finding] = found(app)
    assert finding.level == PROBLEM
    assert says in finding.value
    assert advises in finding.advice


def test_files_of_a_newer_version_are_a_problem(make_spooled: Make, fill: Any) -> None:
    app = make_spooled()
    file = fill(app, 1)
    with file.path.open("r+b") as raw:
        raw.seek(8)
        raw.write(b"\0\x09")
    [finding] = found(app)
    assert "1 files of a newer version" in finding.value


def test_the_pushes_for_another_redis_are_told_with_what_to_do(make_spooled: Make, fill: Any) -> None:
    app, other = make_spooled(), make_spooled(namespace="shop")
    fill(other, 1)
    mine, theirs = found(app)
    assert mine.level == OK
    assert theirs.level == WARNING
    assert "/shop-" in theirs.value
    assert "move the files into the folder of the new one" in theirs.advice


def test_one_that_is_switched_off_is_told(make_spooled: Make) -> None:
    [finding] = found(make_spooled(spool={"enabled": False}))
    assert finding.value.startswith("it is switched off")


def test_a_folder_that_cannot_be_written_is_a_problem(make_spooled: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_spooled()
    monkeypatch.setattr("os.access", lambda *_: False)
    [finding] = found(app)
    assert finding.level == PROBLEM
    assert "cannot be written by this user" in finding.value


def test_it_is_told_while_redis_is_away_too(make_spooled: Make) -> None:
    app = make_spooled("redis://127.0.0.1:1/0")
    app.job(name="note")(note).enqueue(1)
    [finding] = found(app)
    assert finding.value.startswith("1 jobs in 1 files wait in ")

"""Where a licence is looked for: the first that there is decides, and nothing that lies there hangs or crashes us."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider_licensing import LicenseMalformed, LicenseMissing, LicenseUnreadable
from offsider_licensing.locate import Found, find
from support.signer import Signer

ARGUMENT, TEXT, FILE = "the argument license=", "OFFSIDER_LICENSE", "OFFSIDER_LICENSE_FILE"
GOOD = Signer().token()


def put(path: Path, text: str = "evaluation\n") -> Path:
    """A file with a text, and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A licence in every place; each says where it is."""
    monkeypatch.chdir(tmp_path)
    files = [put(tmp_path / name / "offsider.license", name) for name in ("here", "user", "system")]
    named = put(tmp_path / "named", "named by the variable")
    return {"env": {TEXT: GOOD, FILE: str(named)}, "paths": files}


def test_the_first_place_that_has_one_decides(everywhere: dict[str, Any]) -> None:
    env, paths = dict(everywhere["env"]), list(everywhere["paths"])
    assert find("evaluation", env=env, paths=paths).source == ARGUMENT
    assert find(None, env=env, paths=paths).source == TEXT
    del env[TEXT]
    assert find(None, env=env, paths=paths).text == "named by the variable"
    del env[FILE]
    for path in list(paths):
        found = find(None, env=env, paths=paths)
        assert (found.text, found.source) == (path.parent.name, str(path))
        path.unlink()
    with pytest.raises(LicenseMissing):
        find(None, env=env, paths=paths)


def test_a_message_says_every_place_and_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(LicenseMissing) as refused:
        find(None, env={TEXT: " "}, paths=[tmp_path / "a", tmp_path / "b"])
    assert str(refused.value) == (
        f"there is no licence. Looked at the argument license=: not given; OFFSIDER_LICENSE: empty;"
        f" OFFSIDER_LICENSE_FILE: not set; {tmp_path}/a: not there; {tmp_path}/b: not there. Put the licence's file"
        " into one of these places. For tests, CI and a first look OFFSIDER_LICENSE=evaluation is enough;"
        " OFFSIDER_EDITIONS=oss runs the free edition"
    )


@pytest.mark.parametrize(
    "given",
    ["evaluation", " evaluation\n", GOOD, f"{GOOD}\n", "-----BEGIN OFFSIDER LICENSE-----", "one\ntwo", ""],
    ids=["word", "word in a line", "token", "token in a line", "armour", "lines", "nothing"],
)
def test_an_argument_that_can_only_be_text_is_text(given: str) -> None:
    assert find(given, env={}).text == given


def test_any_other_argument_is_a_path(tmp_path: Path) -> None:
    path = put(tmp_path / "evaluation")
    assert find(str(path), env={}) == Found(
        "evaluation\n", f"{ARGUMENT} ({path})", ((f"{ARGUMENT} ({path})", "a file"),)
    )
    assert find(path, env={}).text == "evaluation\n"
    with pytest.raises(LicenseMissing, match="is not there"):
        find(tmp_path / "missing", env={TEXT: GOOD})
    with pytest.raises(LicenseMissing, match="is not there"):
        find(path / "below a file", env={})


@pytest.mark.parametrize("given", [7, b"evaluation", ["evaluation"], object()], ids=["int", "bytes", "list", "object"])
def test_an_argument_of_another_type_is_refused(given: Any) -> None:
    with pytest.raises(LicenseUnreadable, match="expected its text or its file's path"):
        find(given, env={})


def test_a_path_in_the_variable_for_texts_is_told_where_it_belongs() -> None:
    with pytest.raises(LicenseUnreadable, match="A path belongs into OFFSIDER_LICENSE_FILE") as refused:
        find(None, env={TEXT: "/etc/offsider/secret-name"})
    assert "secret-name" not in str(refused.value)


def test_a_file_that_a_variable_names_must_be_there(tmp_path: Path) -> None:
    good = put(tmp_path / "good")
    with pytest.raises(LicenseMissing, match=r"file .*/gone is not there"):
        find(None, env={FILE: str(tmp_path / "gone")}, paths=[good])


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def a_large_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (a_folder, "is a folder; expected a regular file"),
        (a_pipe, "is a named pipe; expected a regular file"),
        (a_device, "is a device; expected a regular file"),
        (a_socket, "cannot be read"),
        (a_loop, "cannot be read"),
        (a_large_file, "is larger than 65,536 bytes"),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
def test_what_is_no_decent_file_is_refused_at_once_and_not_passed_by(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    make(tmp_path / "offsider.license")
    good = put(tmp_path / "good")
    with pytest.raises(LicenseUnreadable, match=says):
        find(None, env={}, paths=[tmp_path / "offsider.license", good])


@pytest.mark.timeout(20)
def test_a_pipe_that_somebody_writes_into_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "offsider.license"
    os.mkfifo(path)
    stop = threading.Event()
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer can open it

    def write() -> None:
        writer = os.open(path, os.O_WRONLY)
        os.write(writer, b"evaluation\n")
        stop.wait(10)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with pytest.raises(LicenseUnreadable, match="a named pipe"):
            find(path, env={})
    finally:
        stop.set()
        thread.join()
        os.close(reader)


def test_a_link_to_nothing_is_an_error_and_not_passed_by(tmp_path: Path) -> None:
    a_link_to_nothing(tmp_path / "offsider.license")
    with pytest.raises(LicenseMissing, match="is not there"):
        find(None, env={}, paths=[tmp_path / "offsider.license", put(tmp_path / "good")])


def test_a_link_to_a_licence_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(put(tmp_path / "target"))
    assert find(None, env={}, paths=[tmp_path / "link"]).text == "evaluation\n"


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "a/" * 3000, "\ud800"], ids=["NUL", "long", "deep", "surrogate"])
def test_a_path_that_no_file_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises((LicenseUnreadable, LicenseMissing)) as refused:
        find(f"{tmp_path}/{name}", env={})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_opened_is_an_error(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "offsider.license")

    def refuse(*_given: object) -> int:
        raise error

    monkeypatch.setattr("offsider_licensing.locate.os.open", refuse)
    with pytest.raises(LicenseUnreadable, match=f"cannot be read: {error.strerror}"):
        find(None, env={}, paths=[path])


def test_a_folder_that_we_may_not_look_into_is_passed_by_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service whose HOME is not its own still finds the licence of the system."""
    closed, good = tmp_path / "closed/offsider.license", put(tmp_path / "good")
    real = os.lstat

    def lstat(path: Any, **given: Any) -> os.stat_result:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return real(path, **given)

    monkeypatch.setattr("offsider_licensing.locate.os.lstat", lstat)
    found = find(None, env={}, paths=[closed, good])
    assert found.source == str(good)
    assert (str(closed), "cannot be looked for: Permission denied") in found.looked


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "offsider.license"
    path.write_bytes(b"abc\xff")
    with pytest.raises(LicenseMalformed, match=r"not UTF-8 text \(byte 3 of 4\)"):
        find(path, env={})


def test_a_current_folder_that_was_removed_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(LicenseMissing, match=r"'offsider.license': not there"):
        find(None, env={}, paths=["offsider.license"])

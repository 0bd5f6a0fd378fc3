"""What is read from a wheel, and which files are none."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import date
from pathlib import Path

import pytest

from offsider_issuer.errors import PublishError
from offsider_issuer.wheel import read
from support.wheels import make_wheel, pack


def test_a_wheel_says_its_project_version_python_and_build_date(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "offsider-pro", "1.2", built="2026-05-01")
    wheel = read(path)
    assert (wheel.project, wheel.version, wheel.requires_python) == ("offsider-pro", "1.2", ">=3.11")
    assert wheel.stamp == date(2026, 5, 1)
    assert wheel.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert wheel.metadata == zipfile.ZipFile(path).read("offsider_pro-1.2.dist-info/METADATA")


def test_a_wheel_without_a_stamp_has_no_build_date(tmp_path: Path) -> None:
    assert read(make_wheel(tmp_path, "offsider-pro", requires_python="")).stamp is None


@pytest.mark.parametrize("stamp", ["BUILT = open('/etc/passwd')", "BUILT = 1", "BUILT = 'soon'", "x = 1", "(", ""])
def test_a_stamp_that_is_no_date_is_refused_and_never_run(stamp: str, tmp_path: Path) -> None:
    head = b"Metadata-Version: 2.1\nName: offsider-pro\nVersion: 1\n"
    path = tmp_path / "offsider_pro-1-py3-none-any.whl"
    pack(path, "offsider_pro-1.dist-info", head, {"offsider_pro/_build.py": stamp.encode()})
    with pytest.raises(PublishError, match="build date"):
        read(path)


def test_a_name_that_differs_from_the_content_is_refused(tmp_path: Path) -> None:
    head = b"Metadata-Version: 2.1\nName: offsider-enterprise\nVersion: 1\n"
    path = pack(tmp_path / "offsider_pro-1-py3-none-any.whl", "offsider_pro-1.dist-info", head, {})
    with pytest.raises(PublishError, match="holds offsider-enterprise 1"):
        read(path)


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    for name in ("offsider_pro-1.tar.gz", "offsider_pro.whl", "-1-py3-none-any.whl", "a b-1-py3-none-any.whl"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(PublishError, match="no wheel's name"):
            read(tmp_path / name)
    (tmp_path / "offsider_pro-1-py3-none-any.whl").write_bytes(b"x" * 1000)
    with pytest.raises(PublishError, match="cannot be read as a wheel"):
        read(tmp_path / "offsider_pro-1-py3-none-any.whl")
    with zipfile.ZipFile(tmp_path / "offsider_pro-2-py3-none-any.whl", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(PublishError, match="METADATA"):
        read(tmp_path / "offsider_pro-2-py3-none-any.whl")

"""The files that are looked for, on each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from offsider_licensing.places import files

LINUX = {"HOME": "/home/ann"}


@pytest.mark.parametrize(
    ("env", "platform", "expected"),
    [
        (LINUX, "linux", ["/home/ann/.config", "/etc"]),
        ({**LINUX, "XDG_CONFIG_HOME": "/conf"}, "linux", ["/conf", "/home/ann/.config", "/etc"]),
        ({**LINUX, "XDG_CONFIG_HOME": "/home/ann/.config"}, "linux", ["/home/ann/.config", "/etc"]),
        ({**LINUX, "XDG_CONFIG_HOME": "relative"}, "linux", ["/home/ann/.config", "/etc"]),
        ({**LINUX, "XDG_CONFIG_HOME": ""}, "linux", ["/home/ann/.config", "/etc"]),
        ({"HOME": "relative"}, "linux", ["/etc"]),
        (LINUX, "darwin", ["/home/ann/.config", "/home/ann/Library/Application Support", "/etc"]),
        ({"APPDATA": "C:\\Users\\ann", "PROGRAMDATA": "C:\\Data"}, "win32", ["C:\\Users\\ann", "C:\\Data"]),
        ({"APPDATA": "", "HOME": "/home/ann"}, "win32", []),
    ],
)
def test_first_here_then_the_users_then_the_systems(env: dict[str, str], platform: str, expected: list[str]) -> None:
    below = [Path(folder) / "offsider" / "offsider.license" for folder in expected]
    assert list(files(env, platform)) == [Path("offsider.license"), *below]


def test_without_a_home_the_systems_own_records_say_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/records"))
    assert Path("/records/.config/offsider/offsider.license") in list(files({}, "linux"))


def test_a_user_without_any_home_has_the_systems_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", none)
    assert [str(one) for one in files({}, "linux")] == ["offsider.license", "/etc/offsider/offsider.license"]

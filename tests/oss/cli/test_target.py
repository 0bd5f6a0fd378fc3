"""``MODULE:APP`` finds the app, or says what is wrong with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offsider import App
from offsider.cli.target import find_app
from offsider.errors import ConfigError, InvalidSetting, UnknownSetting

SHOP = """
from offsider import App
app = App("redis://localhost:1/0", editions=[])
mail_app = App("redis://localhost:1/0", namespace="mail", editions=[])
number = 7
"""
Write = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("OFFSIDER_CONFIG", "")  # put back at the end, whatever the test's target does to it
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def write(folder: Path) -> Write:
    """Modules in it."""

    def module(name: str, text: str) -> None:
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    return module


@pytest.fixture
def shop(write: Write) -> None:
    """The module of most tests."""
    write("shopfront", SHOP)


# -- found ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shop")
def test_an_app_is_found_in_the_folder_where_it_was_started() -> None:
    assert find_app("shopfront:mail_app").settings.namespace == "mail"
    assert find_app("shopfront:app") is find_app("shopfront") is find_app("shopfront:")


def test_an_app_in_a_package_is_found(write: Write) -> None:
    write("shops/__init__", "")
    write("shops/jobs", SHOP)
    assert isinstance(find_app("shops.jobs:app"), App)


@pytest.mark.usefixtures("shop")
def test_what_is_given_goes_over_the_apps_own_settings_and_nothing_else_does() -> None:
    app = find_app("shopfront", worker={"shutdown_timeout_s": 3.0}, jobs={})
    assert app.settings.worker.shutdown_timeout_s == 3.0
    assert app.settings.worker.concurrency == 10
    assert app.settings.redis.url == "redis://localhost:1/0"
    with pytest.raises(InvalidSetting, match=r"worker.shutdown_timeout_s is -1"):
        find_app("shopfront", worker={"shutdown_timeout_s": -1})


def test_a_settings_file_holds_for_the_apps_that_the_module_makes(write: Write, folder: Path) -> None:
    (folder / "mine.toml").write_text('namespace = "filed"\n[worker]\nconcurrency = 3\n', "utf-8")
    write("filed", "from offsider import App\napp = App(editions=[])\n")
    settings = find_app("filed", config="mine.toml").settings
    assert (settings.namespace, settings.worker.concurrency) == ("filed", 3)


# -- not found -----------------------------------------------------------------------------------------------------


def refusal(target: str, **settings: object) -> str:
    """The message."""
    with pytest.raises(ConfigError) as raised:
        find_app(target, **settings)  # type: ignore[arg-type]
    return str(raised.value)


def test_a_module_that_is_not_there_is_named_with_the_folder(folder: Path) -> None:
    text = refusal("nowhere.jobs:app")
    assert text.startswith(
        "there is no module 'nowhere' (from 'nowhere.jobs:app'): expected MODULE:APP, e.g. shop.jobs:app"
    )
    assert str(folder) in text


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "target", ["", ":", ":app", ".shopfront:app", "./shopfront.py:app", "shopfront.py", "..", "a..b"]
)
def test_what_is_no_module_at_all_is_told_what_is_expected(target: str) -> None:
    text = refusal(target)
    assert repr(target) in text
    assert "expected MODULE:APP, e.g. shop.jobs:app" in text


@pytest.mark.parametrize(
    ("target", "meant"),
    [("./shops/jobs.py:app", "shops.jobs"), ("shops/jobs:app", "shops.jobs"), ("./jobs.py", "jobs")],
)
@pytest.mark.usefixtures("folder")
def test_a_path_gets_the_module_that_is_meant(target: str, meant: str) -> None:
    assert refusal(target).endswith(f" Did you mean {meant!r}?")


@pytest.mark.usefixtures("shop")
def test_a_name_that_is_misspelt_gets_the_nearest_and_all_there_are() -> None:
    assert refusal("shopfront:mailapp") == (
        "shopfront:mailapp does not exist; expected an App. Did you mean 'mail_app'? Apps in shopfront: app, mail_app"
    )


@pytest.mark.usefixtures("shop")
def test_a_name_that_is_something_else_is_told_what() -> None:
    assert refusal("shopfront:number").startswith("shopfront:number is a int; expected an App.")


def test_a_module_without_apps_says_so(write: Write) -> None:
    write("bare", "")
    assert refusal("bare") == "bare:app does not exist; expected an App. Apps in bare: none"


def test_what_the_module_itself_cannot_import_keeps_its_traceback(write: Write) -> None:
    write("needy", "import surely_not_installed")
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        find_app("needy:app")
    write("broken", "1 / 0")
    with pytest.raises(ZeroDivisionError):
        find_app("broken:app")


def test_a_package_that_misses_a_part_of_itself_keeps_its_traceback(write: Write) -> None:
    write("parts/__init__", "")
    write("parts/jobs", "import parts.missing")
    with pytest.raises(ModuleNotFoundError, match=r"parts\.missing"):
        find_app("parts.jobs:app")


def test_a_settings_file_that_is_not_there_or_wrong_is_named(write: Write, folder: Path) -> None:
    write("filed", "from offsider import App\napp = App(editions=[])\n")
    assert "nothing.toml cannot be read" in refusal("filed", config="nothing.toml")
    (folder / "odd.toml").write_text("[worker]\nconcurency = 3\n", "utf-8")
    with pytest.raises(UnknownSetting) as raised:
        find_app("filed", config="odd.toml")
    assert str(raised.value).startswith(
        "'worker.concurency' (from odd.toml) is no setting. Did you mean 'worker.concurrency'?"
    )
    assert os.environ["OFFSIDER_CONFIG"] == "odd.toml", "child processes read the same file"

"""An app is found where another process can import it, with the modules of its jobs."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from offsider import App
from offsider_pro.reliable.target import target_of


def module(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(content)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_an_app_at_the_top_of_a_module_is_found_and_so_are_the_modules_of_its_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = App(editions=[])
    module(monkeypatch, "shop_of_test", things=[app], the_app=app)
    module(monkeypatch, "jobs_of_test")

    def buy() -> None: ...

    buy.__module__ = "jobs_of_test"
    app.job(name="buy")(buy)
    target = target_of(app)
    assert target is not None
    assert (str(target), target.modules) == ("shop_of_test:the_app", ("jobs_of_test",))


def test_an_app_of_a_function_or_a_script_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(editions=[])
    assert target_of(app) is None
    monkeypatch.setattr(sys.modules["__main__"], "app_of_test", app, raising=False)
    assert target_of(app) is None

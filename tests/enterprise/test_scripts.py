"""The scripts of Enterprise open with what they take and keep, decode nothing, and are all in the app."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from offsider import App
from offsider.store.scripts import Script
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.scripts import PREFIX, all_scripts
from offsider_pro import ProEdition


@pytest.mark.parametrize("script", all_scripts(), ids=lambda script: script.name)
def test_a_script_says_its_keys_arguments_reply_and_what_it_keeps(script: Script) -> None:
    assert script.text.startswith(f"-- {script.name.removeprefix(PREFIX)}: ")
    for part in ("-- KEYS", "-- ARGV", "-- Returns", "-- Keeps"):
        assert part in script.text
    assert "cjson" not in script.text
    assert "LREM" not in script.text
    assert max(map(len, script.text.splitlines())) <= 120


def test_the_app_has_every_script(make_app: Callable[..., App]) -> None:
    app = make_app(editions=[ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")])
    assert all_scripts()
    for script in all_scripts():
        assert app.scripts[script.name] is script

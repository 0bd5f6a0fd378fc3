"""The scripts of Pro open with what they take and keep, decode nothing, and are all in the app."""

from __future__ import annotations

import pytest

from offsider import App
from offsider.store.scripts import Script
from offsider_pro.scripts import all_scripts


@pytest.mark.parametrize("script", all_scripts(), ids=lambda script: script.name)
def test_a_script_says_its_keys_arguments_reply_and_what_it_keeps(script: Script) -> None:
    assert script.text.startswith(f"-- {script.name.removeprefix('pro_')}: ")
    for part in ("-- KEYS", "-- ARGV", "-- Returns", "-- Keeps"):
        assert part in script.text
    assert "cjson" not in script.text
    assert max(map(len, script.text.splitlines())) <= 120


def test_the_app_has_every_script(pro: App) -> None:
    assert all_scripts()
    for script in all_scripts():
        assert pro.scripts[script.name] is script

"""docs/guides/configuration.md lists every setting with its variable, type and default, and nothing else."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from offsider.config.load import OTHER_VARIABLES, PREFIX, TESTING_PREFIX, load
from offsider.config.model import CORE, Settings
from offsider_enterprise.config import EnterpriseSettings
from offsider_pro.config import ProSettings
from support.pages import ROOT, Block, Page, page, pages

GUIDE = page("docs/guides/configuration.md")
EDITIONS = {"pro": ProSettings, "enterprise": EnterpriseSettings}
NAME = "NAME"  # stands for the name that a table of one's own has
VARIABLE = re.compile(rf"(?<![A-Z_]){PREFIX}[A-Z_]+\b(?!…)")  # OFFSIDER_SHOP_… is what a section of yours would have


def is_ours(block: Block) -> bool:
    """True for settings; other tools have TOML, too."""
    found = tomllib.loads(block.text)
    return "tool" not in found or "offsider" in found["tool"]


TOML = [(one, block) for one in pages() for block in one.blocks("toml") if is_ours(block)]


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key and its default."""
    for name, field in model.model_fields.items():
        key, kind = f"{prefix}{name}", field.annotation
        inner = [one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)]
        if inner:
            yield from settings(inner[0], f"{key}." if inner[0] is kind else f"{key}.{NAME}.")
        else:
            yield key, field.get_default(call_default_factory=True)


def variable(key: str) -> str:
    """The variable that sets a key; none for what only a table of one's own can hold."""
    return "none" if NAME in key else f"`{PREFIX}{key.upper().replace('.', '_')}`"


def shown(default: Any) -> str:
    """A default as the table writes it: in TOML, or in words where there is none."""
    if default is PydanticUndefined:
        return "must be set"
    return "none" if default is None else f"`{json.dumps(default)}`"


def test_every_setting_is_listed_with_its_variable_and_its_default() -> None:
    listed = {row[0].strip("`"): (row[1], row[2]) for row in GUIDE.rows("All settings")}
    expected = {key: (variable(key), shown(default)) for key, default in settings(Settings)}
    assert listed == expected


def test_every_other_variable_is_listed() -> None:
    assert {row[0].strip("`") for row in GUIDE.rows("Other variables")} == OTHER_VARIABLES


@pytest.mark.parametrize("one", pages(), ids=lambda one: one.name)
def test_every_variable_that_a_page_names_exists(one: Page) -> None:
    known = {variable(key).strip("`") for key, _default in settings(Settings)} | OTHER_VARIABLES
    for section, model in EDITIONS.items():
        known |= {variable(key).strip("`") for key, _default in settings(model, f"{section}.")}
    found = {name for name in VARIABLE.findall(one.text) if not name.startswith(TESTING_PREFIX)}
    assert found <= known


@pytest.mark.parametrize(("one", "block"), TOML, ids=[f"{one.name}:{block.line}" for one, block in TOML])
def test_settings_in_toml_are_taken(one: Page, block: Block, tmp_path: Path) -> None:
    name = "pyproject.toml" if "tool" in tomllib.loads(block.text) else "offsider.toml"
    file = tmp_path / name
    file.write_text(block.text, "utf-8")
    assert load(env={}, file=file, sections={**CORE, **EDITIONS}).sources, f"{one.name}:{block.line} sets nothing"


def test_the_guide_shows_a_file() -> None:
    assert any(one.path == ROOT / GUIDE.name for one, _block in TOML)

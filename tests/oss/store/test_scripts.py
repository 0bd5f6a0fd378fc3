"""Scripts: one a file, known to the server under the digest that is computed here."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from offsider.store import scripts
from offsider.store.scripts import Script, all_scripts, load

FOLDER = Path(scripts.__file__).parent / "lua"


def test_every_file_is_a_script() -> None:
    assert {one.name for one in all_scripts()} == {path.stem for path in FOLDER.glob("*.lua")}
    assert {"push", "exchange", "recover"} < {one.name for one in all_scripts()}


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.lua")))
def test_the_server_compiles_a_script_and_knows_it_under_its_digest(name: str, raw: redis.Redis) -> None:
    assert raw.script_load(load(name).text) == load(name).sha


def test_a_script_of_any_text_has_the_digest_of_its_bytes(raw: redis.Redis) -> None:
    one = Script.of("mine", "return 'é'")
    assert (one.name, one.text) == ("mine", "return 'é'")
    assert raw.script_load(one.text) == one.sha


def test_a_script_is_read_once() -> None:
    assert load("push") is load("push")


def test_an_unknown_script_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.lua"):
        load("none")

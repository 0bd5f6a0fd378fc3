"""Editions are found where they are installed, put in order, and refused with what to do when they do not fit."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.contract import VERSION
from offsider.contract.edition import Edition
from offsider.editions import lacking, load
from offsider.errors import ContractMismatch, EditionError

Install = Callable[..., str]


def edition(name: str, *needs: str, contract: int = VERSION) -> Edition:
    """An edition of this name."""
    made: Edition = type(name.title(), (Edition,), {"name": name, "needs": needs, "contract": contract})()
    return made


def names(editions: list[Edition]) -> list[str]:
    """Their names."""
    return [one.name for one in editions]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs an edition on a machine that has no other; returns its module."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(one for one in sys.path if "site-packages" not in one)])

    def add(name: str, body: str = "", *, needs: tuple[str, ...] = (), target: str = "Found") -> str:
        module = f"edition_{name}_{os.urandom(4).hex()}"
        source = body or (
            "from offsider.contract.edition import Edition\n"
            f"class Found(Edition):\n    name = {name!r}\n    needs = {needs!r}\n"
        )
        (tmp_path / f"{module}.py").write_text(source, "utf-8")
        info = tmp_path / f"{name}_edition-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-edition\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[offsider.editions]\n{name} = {module}:{target}\n", "utf-8")
        monkeypatch.setitem(sys.modules, module, None)  # so that it goes again with the test
        monkeypatch.delitem(sys.modules, module)
        return module

    return add


# -- discovery -------------------------------------------------------------------------------------------------------


def test_nothing_is_found_where_nothing_is_installed(install: Install) -> None:
    assert load(None, {}) == []


def test_everything_that_is_installed_is_found_and_put_in_order(install: Install) -> None:
    install("acme", needs=("zulu",))
    install("bravo")
    install("zulu")
    assert names(load(None, {})) == ["bravo", "zulu", "acme"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("oss", []),
        ("", []),
        ("acme", ["acme"]),
        ("bravo,acme", ["acme", "bravo"]),
        (" acme , oss ,", ["acme"]),
        ("acme,acme", ["acme"]),
    ],
)
def test_the_environment_chooses_some_or_none(chosen: str, expected: list[str], install: Install) -> None:
    install("acme")
    install("bravo")
    assert names(load(None, {"OFFSIDER_EDITIONS": chosen})) == expected


def test_one_that_was_not_chosen_is_not_imported(install: Install) -> None:
    module = install("acme", "raise RuntimeError('imported')")
    assert load(None, {"OFFSIDER_EDITIONS": "oss"}) == []
    assert module not in sys.modules


def test_the_environment_of_the_process_is_asked_when_none_is_given(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme")
    install("bravo")
    monkeypatch.setenv("OFFSIDER_EDITIONS", "bravo")
    assert names(load(None)) == ["bravo"]
    assert names(App("redis://localhost:1/0").editions) == ["bravo"]


def test_a_name_that_is_not_installed_is_refused_with_the_nearest_and_all(install: Install) -> None:
    with pytest.raises(EditionError, match=r"names 'acme', which is not installed here\. Installed are: none"):
        load(None, {"OFFSIDER_EDITIONS": "acme"})
    install("acme")
    with pytest.raises(EditionError, match=r"'acne', .*Did you mean 'acme'\? Installed are: acme"):
        load(None, {"OFFSIDER_EDITIONS": "acne"})
    with pytest.raises(EditionError, match=r"'os', .*Did you mean 'oss'\?"):
        load(None, {"OFFSIDER_EDITIONS": "os"})


@pytest.mark.parametrize(
    ("body", "target", "why"),
    [
        ("import nowhere_at_all", "Found", "nowhere_at_all"),
        ("raise RuntimeError('no licence file')", "Found", "no licence file"),
        ("", "Missing", "Missing"),
        ("Found = 7", "Found", "not callable"),
        ("class Found:\n    def __init__(self): raise OSError('disk')", "Found", "disk"),
    ],
)
def test_one_that_cannot_be_loaded_is_named_with_the_reason_and_two_ways_out(
    body: str, target: str, why: str, install: Install
) -> None:
    module = install("acme", body, target=target)
    with pytest.raises(EditionError) as caught:
        load(None, {})
    message = str(caught.value)
    assert f"the edition 'acme' ({module}:{target}) cannot be loaded: " in message
    assert why in message
    assert "Reinstall it, or set OFFSIDER_EDITIONS=oss to go without" in message
    assert caught.value.__cause__ is not None, "the traceback says where"


# -- an explicit list ------------------------------------------------------------------------------------------------


def test_an_explicit_list_holds_whatever_is_installed_or_chosen(install: Install) -> None:
    install("acme")
    assert load([], {"OFFSIDER_EDITIONS": "acme"}) == []
    assert names(load([edition("mine")], {"OFFSIDER_EDITIONS": "acme"})) == ["mine"]


def test_the_objects_that_were_given_are_used() -> None:
    mine = edition("mine")
    assert App("redis://localhost:1/0", editions=[mine]).editions == [mine]


class Named(Edition):
    """Has a name."""

    name = "named"


@pytest.mark.parametrize("wrong", [Named, "named", None], ids=["the class itself", "its name", "nothing"])
def test_what_is_no_edition_is_refused_in_our_words(wrong: Any) -> None:
    with pytest.raises(EditionError):
        App("redis://localhost:1/0", editions=[wrong])


def test_two_of_one_name_are_refused_and_none_is_dropped_in_silence() -> None:
    with pytest.raises(EditionError, match="'same'"):
        load([edition("same"), edition("same")])


# -- order -----------------------------------------------------------------------------------------------------------


def test_what_is_needed_comes_first_and_ties_are_broken_by_name_whatever_the_order_given() -> None:
    every = [edition("a", "d"), edition("b"), edition("c", "a", "b"), edition("d"), edition("e")]
    for given in itertools.permutations(every):
        assert names(load(list(given))) == ["b", "d", "a", "c", "e"]


def test_one_without_what_it_needs_is_told_what_to_install() -> None:
    expected = r"'large' needs small, which is not installed: pip install offsider-small"
    with pytest.raises(EditionError, match=expected):
        load([edition("large", "small")])
    with pytest.raises(EditionError, match=r"'large' needs other, small"):
        load([edition("large", "there", "other", "small"), edition("there")])


def test_those_that_need_each_other_are_named() -> None:
    with pytest.raises(EditionError, match=r"the editions a, b need each other; none can be first"):
        load([edition("a", "b"), edition("b", "a"), edition("c")])
    with pytest.raises(EditionError, match=r"the editions a need each other"):
        load([edition("a", "a")])


# -- the contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", [VERSION - 1, VERSION + 1])
def test_one_for_another_contract_is_refused_with_both_versions_and_the_command(contract: int) -> None:
    with pytest.raises(ContractMismatch) as caught:
        App("redis://localhost:1/0", editions=[edition("acme", contract=contract)])
    message = str(caught.value)
    assert f"'acme' was built for contract {contract}, this offsider has contract {VERSION}" in message
    assert "pip install --upgrade offsider offsider-acme" in message


def test_an_error_while_one_installs_stops_the_start() -> None:
    class Broken(Edition):
        """Has no licence."""

        name = "broken"

        def install(self, app: App) -> None:
            raise PermissionError("the licence has expired")

    with pytest.raises(PermissionError, match="the licence has expired"):
        App("redis://localhost:1/0", editions=[Broken()])


# -- what a job needs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needs", [None, [], ["acme"], ["acme", "zeta"]], ids=repr)
def test_a_job_lacks_nothing_that_is_installed(needs: list[str] | None) -> None:
    record = {} if needs is None else {"needs": needs}
    assert lacking(record, {"zeta", "acme", "other"}) is None


@pytest.mark.parametrize(
    ("needs", "shown"), [(["acme", "zeta"], "'zeta'"), ([7], "7"), ([{"a": 1}], "{'a': 1}"), ([["acme"]], "['acme']")]
)
def test_what_a_job_lacks_is_named_with_what_there_is_and_what_to_do(needs: list[Any], shown: str) -> None:
    reason = lacking({"needs": needs}, {"other", "acme"}) or ""
    assert reason.startswith(f"it needs the edition {shown}, which is not installed in this worker")
    assert "(installed: acme, other)" in reason
    assert reason.endswith("Install it, or leave the job to a worker that has it")
    assert "(installed: none)" in (lacking({"needs": needs}, ()) or "")

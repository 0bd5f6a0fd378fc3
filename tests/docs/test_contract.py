"""docs/contract.md has a paragraph for every seam, door and event that exists, and for none that does not."""

from __future__ import annotations

import inspect
import re

import pytest

from offsider.contract import SEAMS, VERSION
from offsider.contract.edition import Edition
from offsider.contract.seams import EVENTS
from support.pages import page

CONTRACT = page("docs/contract.md")
DOORS = {name for name, _door in inspect.getmembers(Edition, inspect.isfunction)}
SEAM = re.compile(r"`(\w+)`: (\w+)$")
DOOR = re.compile(r"`(\w+)\((\w+)\)`$")
LEAST_LETTERS = 200


@pytest.mark.parametrize(("seam", "shape"), SEAMS, ids=[seam for seam, _shape in SEAMS])
def test_a_seam_has_a_paragraph_with_its_shape(seam: str, shape: str) -> None:
    text = " ".join(CONTRACT.section(f"`{seam}`: {shape}").split())
    for part in ("**Open**", "**Takes**", "**When it fails**"):
        assert part in text, f"the paragraph of {seam} lacks {part}"
    assert len(text) >= LEAST_LETTERS


def test_no_seam_is_documented_that_does_not_exist() -> None:
    documented = [match.groups() for heading in CONTRACT.headings() if (match := SEAM.match(heading))]
    assert sorted(documented) == sorted(SEAMS)


@pytest.mark.parametrize("seam", [seam for seam, _shape in SEAMS])
def test_a_seam_has_an_example(seam: str) -> None:
    code = "\n".join(block.text for block in CONTRACT.blocks("python"))
    assert re.search(rf"\.{seam}\b", code), f"no example uses {seam}"


def test_exactly_the_four_doors_are_documented() -> None:
    documented = {match.group(1) for heading in CONTRACT.headings() if (match := DOOR.match(heading))}
    assert documented == DOORS
    assert len(DOORS) == 4


def test_every_event_is_documented_and_none_more() -> None:
    assert [row[0].strip("`") for row in CONTRACT.rows("`events`: Events")] == list(EVENTS)


def test_the_version_of_the_contract_is_told() -> None:
    assert f"contract {VERSION}" in CONTRACT.text

"""Every example in a docstring of Enterprise comes out as it says; those marked ``+SKIP`` are only read."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import offsider_enterprise


def names() -> list[str]:
    """Every module of the package."""
    found = pkgutil.walk_packages(offsider_enterprise.__path__, f"{offsider_enterprise.__name__}.")
    return [offsider_enterprise.__name__, *(one.name for one in found)]


@pytest.mark.parametrize("name", names())
def test_the_examples_of_a_module_come_out(name: str) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        assert not runner.run(test, out=said.append).failed, "".join(said)

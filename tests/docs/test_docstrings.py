"""Every example in a docstring of the free edition comes out as it says; those marked ``+SKIP`` are only read."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import offsider

LEAST_EXAMPLES = 40


def names() -> list[str]:
    """Every module of the package."""
    found = pkgutil.walk_packages(offsider.__path__, f"{offsider.__name__}.")
    inside = (one.name for one in found if not one.name.endswith("__main__"))
    # What belongs to a Django project is imported by one only.
    return [offsider.__name__, *(name for name in inside if not name.startswith("offsider.integrations.django."))]


def examples(module: ModuleType) -> list[doctest.DocTest]:
    """The examples of one module."""
    return [one for one in doctest.DocTestFinder().find(module) if one.examples]


@pytest.fixture(autouse=True)
def _free_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_EDITIONS", "oss")


@pytest.mark.parametrize("name", names())
def test_the_examples_of_a_module_come_out(name: str) -> None:
    said: list[str] = []
    for test in examples(importlib.import_module(name)):
        runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
        assert not runner.run(test, out=said.append).failed, "".join(said)


def test_there_are_examples() -> None:
    found = [test for name in names() for test in examples(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) >= LEAST_EXAMPLES

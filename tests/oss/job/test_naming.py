"""The name that stands for a function in Redis; what a script's is, is in the tests of the app, as real processes."""

from __future__ import annotations

import functools
import sys
from types import ModuleType

import pytest

from offsider.job.naming import default_name


class Shop:
    """Has a job."""

    @staticmethod
    def buy() -> None:
        """A body."""

    def __call__(self) -> None:
        """A body, too."""


def test_it_is_the_module_and_the_place_in_it() -> None:
    assert default_name(Shop.buy) == f"{__name__}.Shop.buy"
    assert default_name(Shop()) == f"{__name__}.Shop"
    assert default_name(functools.partial(Shop.buy)) == "functools.partial"


@pytest.mark.parametrize(("file", "expected"), [("/srv/shop/tasks.py", "tasks.buy"), (None, "__main__.buy")])
def test_of_a_script_it_is_the_name_by_which_a_worker_imports_it(
    file: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ModuleType("__main__")
    script.__file__ = file
    monkeypatch.setitem(sys.modules, "__main__", script)

    def buy() -> None: ...

    buy.__module__, buy.__qualname__ = "__main__", "buy"
    assert default_name(buy) == expected

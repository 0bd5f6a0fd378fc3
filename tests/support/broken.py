"""A conformance suite against fetchers that break its promises: each of its tests is seen to fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from offsider import App


def pairs(broken: Mapping[type[Any], Sequence[str]]) -> Any:
    """Each fetcher with each test that fails for it, as parameters ``kind`` and ``name``."""
    found = [(kind, name) for kind, names in broken.items() for name in names]
    return pytest.mark.parametrize(("kind", "name"), found, ids=[f"{kind.__name__}-{name}" for kind, name in found])


def assert_fails(suite: Any, kind: type[Any], name: str, app: App, *errors: type[Exception], tidy: bool = True) -> None:
    """A test of a suite fails for such a fetcher.

    Args:
        suite: Made, and told its fetcher by the attribute ``fetcher``.
        kind: The fetcher.
        name: Of the test, without ``test_``.
        app: For the test.
        errors: How it may fail, besides by its own assertion.
        tidy: False for a fetcher that cannot even be closed.
    """
    suite.fetcher = kind
    suite.setup_method()
    try:
        with pytest.raises((AssertionError, *errors)):
            getattr(suite, f"test_{name}")(app)
    finally:
        if tidy:
            suite.teardown_method()


def assert_all_fail(suite: type[Any], broken: Mapping[type[Any], Sequence[str]]) -> None:
    """Each test of a suite fails for one of the broken ones."""
    tests = {name.removeprefix("test_") for name in vars(suite) if name.startswith("test_")}
    assert {name for names in broken.values() for name in names} == tests

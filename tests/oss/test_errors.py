"""The error tree is the one that is drawn, and every message can be read."""

from __future__ import annotations

import contextlib
import inspect
import re

import pytest

from offsider import errors
from offsider.errors import JobCancelled, JobError, Malformed, NotJson, OffsiderError, Shutdown, suggest

Tree = dict[str, str]  # name → name of the parent
LINE = re.compile(r"^ {4}(?P<bars>(?:│ {3})*)[├└]── (?P<name>\w+)(?: {2,}(?P<words>\S.*))?$")


def drawn() -> tuple[Tree, dict[str, str]]:
    """The tree of the docstring, and what it says of each leaf."""
    parents: Tree = {}
    words: dict[str, str] = {}
    above = ["OffsiderError"]
    for line in (errors.__doc__ or "").splitlines():
        found = LINE.match(line)
        if found:
            depth = len(found["bars"]) // 4
            del above[depth + 1 :]
            parents[found["name"]] = above[-1]
            words[found["name"]] = found["words"] or ""
            above.append(found["name"])
    return parents, words


def real() -> Tree:
    """The tree of the classes."""
    kinds = [one for _name, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__]
    return {
        one.__name__: one.__bases__[0].__name__
        for one in kinds
        if issubclass(one, OffsiderError) and one is not OffsiderError
    }


def test_the_drawn_tree_is_the_real_one() -> None:
    parents, _words = drawn()
    assert len(parents) > 20
    assert parents == real()


def test_every_leaf_of_the_drawn_tree_says_what_it_means() -> None:
    parents, words = drawn()
    rooms = set(parents.values())
    assert [name for name in parents if name not in rooms and not words[name]] == []


def test_nothing_of_the_module_is_outside_the_tree_but_the_control_signals() -> None:
    kinds = {one for _name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, BaseException)}
    assert {one for one in kinds if not issubclass(one, OffsiderError)} == {Shutdown, JobCancelled}
    assert all(f"{name} " in (errors.__doc__ or "") for name in ("Shutdown", "JobCancelled"))


def test_one_name_catches_everything_the_package_raises() -> None:
    assert OffsiderError.__bases__ == (Exception,)


def test_the_control_signal_passes_through_an_ordinary_except() -> None:
    def body() -> None:
        with contextlib.suppress(Exception):
            raise Shutdown

    with pytest.raises(Shutdown):
        body()


def test_a_value_that_json_cannot_carry_says_where_it_is() -> None:
    error = NotJson("it is a set", "args[0].lines[3]")
    assert isinstance(error, JobError)
    assert (str(error), error.path) == ("it is a set", "args[0].lines[3]")
    assert NotJson("nowhere").path == ""


def test_malformed_bytes_say_what_is_wrong_with_them() -> None:
    error = Malformed("not JSON")
    assert (str(error), error.reason) == ("not JSON", "not JSON")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("quue", " Did you mean 'queue'?"),
        ("retri", " Did you mean 'retry'?"),
        ("queue", " Did you mean 'queue'?"),
        ("zebra", ""),
        ("", ""),
    ],
)
def test_a_near_miss_is_named_and_anything_else_is_not(word: str, hint: str) -> None:
    assert suggest(word, ["queue", "retry"]) == hint


def test_a_hint_can_be_made_of_any_names_even_none() -> None:
    assert suggest("quue", iter({"queue": 1})) == " Did you mean 'queue'?"
    assert suggest("quue", []) == ""

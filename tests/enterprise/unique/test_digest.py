"""Two calls are the same when their arguments are, whichever way they are given; types make a difference."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidOption
from offsider_enterprise.unique import Unique
from offsider_enterprise.unique.stamp import stamp_of


class Colour(Enum):
    RED = "red"


@pytest.fixture
def name_of(enterprise: App) -> Any:
    """The lock's name of a call of ``sync`` with this option."""

    @enterprise.job(name="sync", unique=True)
    def sync(a: Any, b: Any = 1, *more: Any, c: Any = None, colour: Colour = Colour.RED, **others: Any) -> None:
        """Does nothing."""

    @enterprise.job(name="other", unique=True)
    def other(a: Any) -> None:
        """Another job."""

    def named(*args: Any, job: str = "sync", unique: Any = True, **kwargs: Any) -> str | None:
        request = enterprise.jobs[job].using(unique=unique).request(*args, **kwargs)
        return stamp_of(enterprise).name_of(request)

    return named


def test_the_way_of_giving_arguments_makes_no_difference(name_of: Any) -> None:
    names = {name_of(1, 2), name_of(1, b=2), name_of(a=1, b=2), name_of(b=2, a=1), name_of(1, 2, c=None)}
    assert len(names) == 1
    assert name_of({"x": 1, "y": [{"p": 1, "q": 2}]}) == name_of({"y": [{"q": 2, "p": 1}], "x": 1})
    assert name_of(1) == name_of(1, 1)
    assert name_of(1, x=1, y=2) == name_of(1, y=2, x=1)


def test_types_and_places_make_a_difference(name_of: Any) -> None:
    values = [1, 1.0, True, "1", "true", None, [], {}, [1], ["1"], {"1": 1}, -0.0, 0.0, 0, 2**70, 2**70 + 1, "é", "e"]
    assert len({name_of(value) for value in values}) == len(values)
    assert len({name_of(1, 2, 3), name_of(1, 2, 3, 4), name_of(1, 2, [3, 4]), name_of(1, 2, x=3)}) == 4
    assert name_of(1) != name_of(1, job="other")


def test_only_the_arguments_that_are_named_count(name_of: Any) -> None:
    by = Unique(by="a")
    assert name_of(1, 2, unique=by) == name_of(1, 3, c="x", unique=by)
    assert name_of(1, unique=by) != name_of(2, unique=by)
    assert name_of(1, unique=by) != name_of(1)
    assert name_of(1, unique=Unique(by=())) == name_of(2, 3, unique=Unique(by=()))
    assert name_of(1, x=1, unique=Unique(by=["x"])) == name_of(2, x=1, unique=Unique(by=["x"]))


def test_a_key_of_ones_own_counts_instead_of_arguments(name_of: Any) -> None:
    assert name_of(1, unique=Unique(key="k")) == name_of(2, unique=Unique(key="k"))
    assert name_of(1, unique=Unique(key="k")) != name_of(1, unique=Unique(key="l"))


def test_an_argument_that_is_not_there_is_told_with_the_nearest(enterprise: App) -> None:
    @enterprise.job(unique=Unique(by="acount"))
    def sync(account: int) -> None:
        """Does nothing."""

    with pytest.raises(InvalidOption, match=r"'acount'.*Did you mean 'account'"):
        sync.enqueue(1)


def test_the_digest_may_be_another_one(enterprise: App, name_of: Any) -> None:
    stamp_of(enterprise).digest = lambda canonical: f"len-{len(canonical)}"
    assert name_of(1) == name_of(2)
    assert name_of(1) != name_of(100)


def test_the_queue_makes_no_difference(enterprise: App, name_of: Any) -> None:
    sync = enterprise.jobs["sync"]
    assert sync.using(queue="low").enqueue(1)
    assert sync.enqueue(1) is None

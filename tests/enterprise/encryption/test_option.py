"""The option names arguments, or all; a misspelt name is refused before anything is enqueued."""

from __future__ import annotations

from typing import Any

import pytest

from offsider import App
from offsider.errors import InvalidOption
from offsider.testing import fake
from offsider_enterprise.encryption.option import encrypt


@pytest.mark.parametrize(
    ("value", "told"),
    [(True, True), (False, None), (None, None), ("card", ["card"]), (("b", "a"), ["a", "b"]), ({"a"}, ["a"])],
    ids=repr,
)
def test_what_it_may_be(value: object, told: object) -> None:
    assert encrypt(value) == told


@pytest.mark.parametrize("value", [7, (), [], ("card", 7), {"card": 1}], ids=repr)
def test_what_it_may_not_be(value: object) -> None:
    with pytest.raises(InvalidOption, match="expected True for all arguments, or names of some"):
        encrypt(value)


def test_a_name_that_is_no_argument_is_refused_and_nothing_is_enqueued(keyed: App) -> None:
    @keyed.job(encrypt=("crad",))
    def pay(order: int, card: str) -> None: ...

    with fake(keyed) as jobs:
        with pytest.raises(
            InvalidOption, match=r"encrypt='crad', which is none of its arguments: order, card\. Did you"
        ):
            pay.enqueue(7, "4111")
        assert not jobs.jobs


def test_a_call_may_encrypt_more_and_never_less(keyed: App) -> None:
    @keyed.job(encrypt=("card",))
    def pay(order: int, card: str, cvv: str = "") -> None: ...

    with fake(keyed) as jobs:
        pay.using(encrypt=("cvv",)).enqueue(7, "4111", cvv="123")
        pay.using(encrypt=True).enqueue(7, "4111")
        more, everything = jobs.jobs
        assert more.record["sealed"] == {"args": [1, 2]}
        assert everything.record["sealed"] == {"args": True}
        for less in (None, False):
            with pytest.raises(InvalidOption, match="take nothing away"):
                pay.using(encrypt=less).enqueue(7, "4111")


def test_every_kind_of_parameter_may_be_named(keyed: App) -> None:
    @keyed.job(encrypt=("a", "rest", "k", "others"))
    def work(a: int, b: int = 0, *rest: str, k: str = "", **others: str) -> None: ...

    with fake(keyed) as jobs:
        work.enqueue(1, 2, "x", "y", k="z", more="w")
        (job,) = jobs.jobs
        assert job.record["sealed"] == {"args": [0, 2, 3], "kwargs": ["k", "more"]}
        assert job.record["args"][1] == 2
        assert (job.args, job.kwargs) == ([1, 2, "x", "y"], {"k": "z", "more": "w"})


def test_what_was_not_given_needs_no_token(keyed: App) -> None:
    @keyed.job(encrypt=("cvv",))
    def pay(order: int, *, cvv: str = "") -> None: ...

    with fake(keyed) as jobs:
        pay.enqueue(7)
        (job,) = jobs.jobs
        assert job.record["args"] == [7]
        jobs.drain()


def test_a_context_and_a_cursor_are_no_arguments(keyed: App) -> None:
    @keyed.job(encrypt=("cursor",))
    def walk(cursor: int | None, path: str) -> Any:
        yield 1

    with fake(keyed), pytest.raises(InvalidOption, match="none of its arguments: path"):
        walk.enqueue("x")

"""What is said of a licence, and how loudly."""

from __future__ import annotations

import logging
from typing import get_args

import pytest

from offsider_licensing import Standing
from offsider_licensing.explain import notice, sentence
from offsider_licensing.license import License, evaluation
from offsider_licensing.policy import State

HELD = License("lic_abcdefghij234567", "Acme", ("pro",), None, 0, 1_800_000_000, 30, "key_abcdefghij234567", "here")


def test_nothing_is_said_while_all_is_well() -> None:
    assert notice(HELD, Standing("valid", 200)) is None


@pytest.mark.parametrize(
    ("standing", "level", "words"),
    [
        (Standing("ending", 12), logging.WARNING, ["2027-01-15", "in 12 days", "Renew it"]),
        (Standing("ending", 1), logging.WARNING, ["in 1 day."]),
        (Standing("ending", 0), logging.WARNING, ["in less than a day."]),
        (Standing("fallback", -5), logging.WARNING, ["works for ever", "updates and support have ended"]),
        (Standing("grace", -5, 25), logging.ERROR, ["Everything still works", "in 25 days new processes"]),
        (Standing("expired", -50), logging.ERROR, ["its grace is over", "This process goes on"]),
        (Standing("evaluation"), logging.WARNING, ["evaluation licence: not for production"]),
    ],
)
def test_what_is_said_and_how_loudly(standing: Standing, level: int, words: list[str]) -> None:
    said = notice(evaluation("here") if standing.state == "evaluation" else HELD, standing)
    assert said is not None
    assert said.level == level
    assert all(word in said.text for word in words), said.text


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_its_words(state: State) -> None:
    assert sentence(Standing(state, 3, 2))

"""What a running job may ask and say; and a direct call, where nobody listens."""

from __future__ import annotations

import math

import pytest

from offsider.errors import LostJob
from offsider.job.context import CONTEXT, MOST_NOTE, Context


def test_a_direct_call_is_never_stopped_and_always_ours() -> None:
    assert not CONTEXT.stopping
    assert CONTEXT.still_ours()
    CONTEXT.check()
    CONTEXT.progress(1, 2, "unheard")
    assert (CONTEXT.jid, CONTEXT.attempt, CONTEXT.tags, CONTEXT.enqueued_ms) == ("", 0, (), None)


def test_stopping_and_ours_are_asked_anew_each_time() -> None:
    states = iter([False, True])
    ours = iter([True, False])
    context = Context(stopping=lambda: next(states), ours=lambda: next(ours))
    assert (context.stopping, context.stopping) == (False, True)
    assert (context.still_ours(), context.still_ours()) == (True, False)


def test_check_raises_before_an_effect_of_a_job_that_runs_elsewhere() -> None:
    context = Context(jid="abc", name="charge", ours=lambda: False)
    with pytest.raises(LostJob, match=r"job 'charge' \(abc\) was given to another process; stop without an effect"):
        context.check()


def test_progress_is_told_as_two_numbers_and_a_note() -> None:
    heard: list[tuple[float, float, str]] = []
    context = Context(progress=lambda done, total, note: heard.append((done, total, note)))
    context.progress(1, 3)
    context.progress(2.5, 3, "reading")
    assert heard == [(1.0, 3.0, ""), (2.5, 3.0, "reading")]
    assert type(heard[0][0]) is float


def test_a_long_note_is_cut() -> None:
    heard: list[str] = []
    Context(progress=lambda done, total, note: heard.append(note)).progress(1, 2, "x" * 5000)
    assert heard == ["x" * MOST_NOTE]


@pytest.mark.parametrize(("done", "total"), [(math.nan, 1), (1, math.inf), (-math.inf, 1)])
def test_progress_takes_finite_numbers_only(done: float, total: float) -> None:
    with pytest.raises(ValueError, match=r"progress\(.*\): expected two finite numbers, e\.g\. 3 of 10"):
        CONTEXT.progress(done, total)

"""Who is suspected, who is not, and what becomes of whom: the whole table."""

from __future__ import annotations

from typing import Any

import pytest

from offsider.errors import ProcessLost
from offsider_pro.reliable.cause import Cause
from offsider_pro.reliable.suspects import Death, Suspicion, died_alone, judge, reason, suspicion

KILLED, TOLD = Cause.of_status(9), Cause.of_status(15)
MARK = {"at": 1, "process": "gone:1:abc", "cause": "killed by SIGKILL", "deaths": 2}


def record(**more: Any) -> dict[str, Any]:
    return {"class": "job", "jid": "j1", **more}


def death(cause: Cause | None, how: str | None = None) -> Death:
    return Death("gone:1:abc", cause, {} if how is None else {"j1": how})


def test_what_was_in_flight_in_a_crash_is_a_suspect_and_no_death_is_counted() -> None:
    job = record()
    assert judge(job, death(KILLED)) is None
    mark = suspicion(job)
    assert mark is not None
    assert (mark.process, mark.cause, mark.deaths) == ("gone:1:abc", "killed by SIGKILL", 0)
    assert "crashes" not in job


def test_nobody_is_suspected_when_somebody_has_told_the_process_to_end() -> None:
    job = record()
    assert judge(job, death(TOLD, "company")) is None
    assert job == record()


@pytest.mark.parametrize("how", ["alone", None])
def test_a_suspect_that_ran_alone_or_had_not_begun_is_as_suspect_as_before(how: str | None) -> None:
    job = record(suspect=dict(MARK))
    assert judge(job, death(KILLED, how)) is None
    assert job == record(suspect=MARK)


@pytest.mark.parametrize(("cause", "how"), [(KILLED, "company"), (None, None), (None, "company")])
def test_where_it_could_not_run_alone_its_deaths_are_counted_as_in_the_free_edition(
    cause: Cause | None, how: str | None
) -> None:
    job = record(suspect=dict(MARK))
    for crashes in (1, 2, 3):
        assert judge(job, death(cause, how)) is None
        assert (job["crashes"], job["suspect"]) == (crashes, MARK)
    assert isinstance(judge(job, death(cause, how)), ProcessLost)


def test_the_third_death_alone_is_the_last_and_says_of_what() -> None:
    job = record(suspect={**MARK, "deaths": 0})
    assert died_alone(job, KILLED) is None
    assert died_alone(job, Cause.of_status(11)) is None
    lost = died_alone(job, Cause.of_status(3 << 8))
    assert str(lost).startswith(
        "it ran alone and its process died, 3 times; the last one was ended itself with exit code 3."
    )
    assert job["suspect"]["deaths"] == 3


@pytest.mark.parametrize("mark", [7, [], "x", {}, {"at": "x", "deaths": -1}, {"deaths": True, "process": None}])
def test_a_mark_that_is_not_as_it_should_be_makes_a_suspect_all_the_same(mark: object) -> None:
    found = suspicion(record(suspect=mark))
    assert found is not None
    assert (found.at_ms, found.deaths) == (0, 0)
    assert died_alone(record(suspect=mark), KILLED) is None


def test_whoever_asks_is_told() -> None:
    assert reason(None, record(), "queue") is None
    assert reason(None, record(suspect=MARK), "queue") == (
        "it is a suspect: it was in flight when gone:1:abc died; it has died alone 2 of 3 times, the last time killed"
        " by SIGKILL; it runs in a process of its own"
    )
    assert reason(None, record(suspect={**MARK, "deaths": 0}), "dead") == (
        "it is a suspect: it was in flight when gone:1:abc died; that process was killed by SIGKILL"
    )
    assert suspicion(record()) is None
    assert suspicion(record(suspect=MARK)) == Suspicion(1, "gone:1:abc", "killed by SIGKILL", 2)

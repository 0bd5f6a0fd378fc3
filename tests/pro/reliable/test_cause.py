"""The cause of a death is read from what the system tells, and carried as text."""

from __future__ import annotations

import signal

import pytest

from offsider_pro.reliable.cause import Cause


@pytest.mark.parametrize(
    ("status", "text", "outside"),
    [
        (9, "killed by SIGKILL", False),
        (11 | 0x80, "killed by SIGSEGV", False),
        (15, "killed by SIGTERM", True),
        (1, "killed by SIGHUP", True),
        (3 << 8, "ended itself with exit code 3", False),
        (0, "ended itself with exit code 0", False),
        (63, "killed by signal 63", False),
    ],
)
def test_a_wait_status_says_how_it_ended_and_whether_somebody_wanted_it(status: int, text: str, outside: bool) -> None:
    cause = Cause.of_status(status)
    assert (str(cause), cause.from_outside) == (text, outside)


def test_only_who_was_killed_by_kill_may_have_been_killed_for_memory() -> None:
    assert Cause.of_status(signal.SIGKILL, no_memory=True).kind == "memory"
    assert Cause.of_status(signal.SIGSEGV, no_memory=True).kind == "signal"
    assert Cause.of_unknown(no_memory=True).kind == "memory"
    assert Cause.of_unknown().kind == "unknown"


def test_a_cause_survives_being_written_and_what_is_none_is_none() -> None:
    for cause in (Cause.of_status(9), Cause.of_silence(3.2), Cause.of_stop(), Cause.of_hang(300)):
        assert Cause.loads(cause.dumps()) == cause
    for text in (None, b"", b"[]", b"{}", b"null", b"\xff", "[" * 100_000):
        assert Cause.loads(text) is None

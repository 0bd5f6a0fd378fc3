"""Jobs for the tests of a fetcher can be told apart, and their settlements carry what their kind needs."""

from __future__ import annotations

import pytest

from offsider.contract.work import UnitOfWork
from offsider.job.record import loads
from offsider.testing.jobs import bytes_of, payload, payloads, settle

UNITS = [UnitOfWork(f"{n}:mail", "mail", payload(n)) for n in range(2)]


def test_a_payload_is_a_job_that_a_worker_would_take() -> None:
    assert loads(payload(3))["jid"] == "job-3"
    assert payloads(3, 1) == [payload(3), payload(1)]
    assert bytes_of(UNITS) == payloads(0, 1)


@pytest.mark.parametrize("kind", ["done", "back"])
def test_what_leaves_without_a_payload_has_none(kind: str) -> None:
    assert [(one.unit, one.payload) for one in settle(UNITS, kind, kept=b"x")] == [(unit, None) for unit in UNITS]


@pytest.mark.parametrize("kind", ["retry", "schedule", "dead", "quarantine"])
def test_what_is_kept_has_its_own_payload_or_the_given_one(kind: str) -> None:
    assert [one.payload for one in settle(UNITS, kind)] == payloads(0, 1)
    assert [(one.payload, one.delay_s) for one in settle(UNITS, kind, delay_s=2.0, kept=b"x")] == [(b"x", 2.0)] * 2

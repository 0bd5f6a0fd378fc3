"""Figures on the pages are those of the code: each sentence is made with the constant it speaks of."""

from __future__ import annotations

import re

import pytest

from offsider.client import trip
from offsider.config.model import WorkerSettings
from offsider.job import define, record
from offsider.metrics import sink
from offsider.store import health
from offsider.worker import capsule, heartbeat, pace, patience, recovery, retry, scheduler, signals, worker
from support.pages import page

DEPLOYING = "docs/guides/deploying.md"
WORKERS = "docs/guides/workers.md"
GUARANTEES = "docs/guarantees.md"
FORMAT = "docs/format.md"
JOBS = "docs/guides/jobs.md"
INTEROP = "docs/guides/sidekiq-interop.md"
GRACE_S = WorkerSettings().shutdown_timeout_s
LEASE_S = WorkerSettings().lease_s
MARGIN_S = 5  # for who sends the KILL
NUMBERS = {3: "three", 4: "four", 12: "twelve"}

SENTENCES = [
    (WORKERS, f"`finally:` blocks have {worker.AFTER_INTERRUPT_S:g} s"),
    (WORKERS, f"{signals.LAST_WORDS_S:g} s after the grace the process is gone"),
    (WORKERS, f"{signals.EXIT_FAILED} when the worker gave up"),
    (WORKERS, f"says so once in {patience.SAY_EVERY_S:g} s"),
    (WORKERS, f"up to {pace.SURPLUS_S * 1000:g} ms of work is held in hand"),
    (DEPLOYING, f"**grace + {signals.LAST_WORDS_S:g} s**"),
    (DEPLOYING, f"TimeoutStopSec={GRACE_S + signals.LAST_WORDS_S + MARGIN_S:g}"),
    (DEPLOYING, f"terminationGracePeriodSeconds: {GRACE_S + signals.LAST_WORDS_S + MARGIN_S:g}"),
    (DEPLOYING, f"a clock that is more than {health.MOST_SKEW_S:g} s off"),
    (DEPLOYING, f"Redis {health.LEAST_VERSION[0]}.{health.LEAST_VERSION[1]} or newer"),
    (INTEROP, f"an idle worker finds it within {capsule.BELL_S:g} s"),
    (INTEROP, f"may be up to {scheduler.LONGEST_SLEEP_S:g} s late"),
    (GUARANTEES, f"it runs again up to {recovery.MOST_RERUNS} times, then it is in the dead set"),
    (GUARANTEES, f"{NUMBERS[recovery.MOST_RERUNS]} reruns, then the dead set"),
    (GUARANTEES, f"a lost ring costs {capsule.BELL_S:g} s"),
    (GUARANTEES, f"a look every {recovery.LONGEST_EVERY_S:g} s"),
    (GUARANTEES, f"after a disturbance {recovery.LONGEST_SETTLE_S:g} s"),
    (GUARANTEES, f"renewed {NUMBERS[heartbeat.RENEWALS]} times in its length"),
    ("docs/guides/retries.md", f"in flight in {NUMBERS[recovery.MOST_RERUNS + 1]} deaths"),
    ("docs/guides/retries.md", f"its message (at most {retry.MOST_ERROR_TEXT:,} characters)"),
    (FORMAT, f"at {recovery.MOST_RERUNS + 1} it goes to `dead`"),
    (FORMAT, f"at most {retry.MOST_ERROR_TEXT:,} characters"),
    (FORMAT, f"| `IDENTITY` | hash, {heartbeat.EXPIRE_S} s |"),
    (FORMAT, f"(kept {sink.HISTORY_S / 365 / 86_400:g} years)"),
    (FORMAT, f"| `lane:LANE` | integer, {trip.LANE_S / 3600:g} h |"),
    (
        FORMAT,
        f"{record.HARD_MAX_BYTES / 1e6:g} MB, {record.MOST_DEPTH} levels, whole numbers of {record.MOST_BITS:,} bits",
    ),
    (JOBS, f"over {record.SOFT_MAX_BYTES / 1e6:g} MB a job is logged"),
    (JOBS, f"over {record.HARD_MAX_BYTES / 1e6:g} MB it is refused"),
    (JOBS, f"nested deeper than {record.MOST_DEPTH} levels"),
    ("docs/guides/enqueuing.md", f"(`batch_size`, at most {define.BATCH:,})"),
    ("docs/guides/enqueuing.md", f"(at least {define.SHORTEST_SPREAD_S:g} seconds)"),
]


@pytest.mark.parametrize(("name", "sentence"), SENTENCES, ids=[sentence for _name, sentence in SENTENCES])
def test_a_page_says_the_figure_of_the_code(name: str, sentence: str) -> None:
    assert sentence in " ".join(page(name).text.split())


def test_the_time_until_a_dead_workers_jobs_run_again_is_what_is_promised() -> None:
    latest_s = LEASE_S + 1.2 * recovery.LONGEST_EVERY_S + recovery.LONGEST_SETTLE_S
    promised = re.search(r"its jobs run again within (\d+) s", page(GUARANTEES).text)
    assert promised is not None
    assert latest_s <= int(promised[1])

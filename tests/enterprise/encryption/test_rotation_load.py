"""Rotation beside workers and producers, and rotation that is killed: every job runs once, with what it was given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offsider import App
from offsider.worker.worker import Worker
from offsider_enterprise.encryption.install import codec_of
from offsider_enterprise.encryption.rotation import Rotation
from offsider_enterprise.encryption.survey import survey
from support.keys import put_keys
from support.waiting import until

Make = Callable[..., App]
JOBS = 600

SHOP = """
import os
import signal

from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.encryption.rotation import Rotation
from offsider_pro import ProEdition

app = App(editions=[ProEdition(license="evaluation"), EnterpriseEdition(license="evaluation")])
swap, pages = Rotation._swap, []


def die_at_the_eighth_page(self, *given):
    pages.append(given)
    if len(pages) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    swap(self, *given)


Rotation._swap = die_at_the_eighth_page
"""


def used(app: App) -> set[str]:
    """The names of the keys that something in Redis is encrypted with."""
    return {name.partition(":")[0] for name in survey(app).tokens}


def test_beside_workers_and_producers_every_job_runs_once_with_what_it_was_given(
    make_keyed: Make, start_worker: Callable[..., Worker], raw: Any
) -> None:
    ran: Counter[str] = Counter()
    failed: set[str] = set()
    slow = threading.Event()

    def pay(number: int, card: str) -> None:
        slow.wait(0.002)  # so that the queue is long for a while
        if number % 50 == 0 and card not in failed:
            failed.add(card)
            raise ValueError(card)
        ran[card] += 1

    old, new = make_keyed("old", "new"), make_keyed("new", "old")
    for app in (old, new):
        app.job(name="pay", encrypt=("card",))(pay)
    old.jobs["pay"].enqueue_many([(number, f"early {number}") for number in range(JOBS)])
    old.jobs["pay"].enqueue_many([(number, f"timed {number}") for number in range(1, 50)], spread=5)
    worker = start_worker(new, concurrency=3)

    def produce() -> None:
        for number in range(JOBS // 4):
            (old if number % 2 else new).jobs["pay"].enqueue(number, f"late {number}")

    producer = threading.Thread(target=produce)
    producer.start()
    rotated = 0
    while producer.is_alive() or raw.llen(new.keys.queue("default")):
        rotated += Rotation(new, codec_of(new)).run().rotated
        new.retries.run_all_now()
    producer.join()
    expected = JOBS + 49 + JOBS // 4
    until(lambda: new.retries.run_all_now() + new.scheduled.run_all_now() == 0 and len(ran) == expected, 60, "all ran")
    worker.stop(5)
    assert set(ran.values()) == {1}
    assert len(ran) == expected
    assert rotated > 0
    assert not used(new)


def test_a_rotation_that_is_killed_has_lost_and_doubled_nothing_and_is_finished_by_the_next(
    make_keyed: Make, raw: Any, tmp_path: Path, monkeypatch: Any, redis_url: str
) -> None:
    old = make_keyed("old")
    pay = old.job(name="pay", encrypt=True)(lambda number: None)
    pay.enqueue_many([(number,) for number in range(1500)])
    queue = old.keys.queue("default")
    (tmp_path / "rotating.py").write_text(SHOP)
    keys = ",".join(put_keys(monkeypatch, "new", "old"))
    environment = os.environ | {
        "OFFSIDER_REDIS_URL": redis_url, "OFFSIDER_EDITIONS": "pro,enterprise", "OFFSIDER_LICENSE": "evaluation",
        "OFFSIDER_ENTERPRISE_ENCRYPTION_KEYS": keys,
    }  # fmt: skip
    command = [sys.executable, "-m", "offsider", "encryption", "rotate", "--app", "rotating:app"]

    died = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left = [b"ofs1.old." in one for one in raw.lrange(queue, 0, -1)]
    assert any(left)
    assert not all(left)
    new = make_keyed("new", "old")
    assert Rotation(new, codec_of(new)).run().rotated == sum(left)
    there = new.job(name="pay", encrypt=True)(lambda number: None)
    assert used(new) == {"new"}
    numbers = [there.restored(json.loads(one))[0][0] for one in raw.lrange(queue, 0, -1)]
    assert numbers == list(range(1500))[::-1]

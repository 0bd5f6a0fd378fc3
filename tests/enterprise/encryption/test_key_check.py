"""The doctor says which keys are missing, and which processes lack the one that encrypts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offsider import App
from offsider.api.doctor import doctor
from offsider.contract.findings import OK, PROBLEM, WARNING, Finding
from offsider.worker.worker import Worker
from offsider_enterprise.encryption.key_check import NAME
from support.waiting import until

Make = Callable[..., App]


def found(app: App) -> list[Finding]:
    return [one for one in doctor(app).findings if one.name == NAME]


def test_who_does_not_encrypt_hears_nothing(make_keyed: Make) -> None:
    assert found(make_keyed()) == []


def test_keys_that_are_there(make_keyed: Make) -> None:
    (one,) = found(make_keyed("new", "old"))
    assert (one.level, one.value) == (OK, "new encrypts; 2 can decrypt: new, old")


def test_no_key_for_jobs_that_need_one(make_keyed: Make) -> None:
    app = make_keyed()
    app.job(name="pay", encrypt=True)(lambda card: None)
    (one,) = found(app)
    assert (one.level, one.value) == (PROBLEM, "there is none")


def test_jobs_whose_key_is_not_here(make_keyed: Make) -> None:
    make_keyed("new").job(name="pay", encrypt=True)(lambda card: None).enqueue("4111")
    (one,) = found(make_keyed("old"))
    assert one.level == PROBLEM
    assert "1 values in Redis are encrypted with keys that are not here: new:" in one.value


def test_processes_that_lack_the_active_key(make_keyed: Make, raw: Any, start_worker: Callable[..., Worker]) -> None:
    behind, ahead = make_keyed("old"), make_keyed("new", "old")
    behind.job(name="pay", encrypt=True)(lambda card: None)
    worker = start_worker(behind)
    until(lambda: raw.hget(behind.keys.process(worker.identity), "encryption_keys"), 10, "it beats")
    told = raw.hget(behind.keys.process(worker.identity), "encryption_keys").decode()
    assert told.startswith("old:")
    (one,) = found(ahead)
    assert one.level == WARNING
    assert worker.identity in one.value
    assert "Give a new key to all processes before it becomes active" in one.advice


def test_a_worker_that_encrypts_nothing_tells_no_keys(
    make_keyed: Make, raw: Any, start_worker: Callable[..., Worker]
) -> None:
    app = make_keyed()
    worker = start_worker(app)
    until(lambda: raw.exists(app.keys.process(worker.identity)), 10, "it beats")
    assert raw.hget(app.keys.process(worker.identity), "encryption_keys") == b""

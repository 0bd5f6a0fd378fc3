"""More threads than were bought: the doctor and every page say so, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import redis

from offsider import App
from offsider.api.doctor import doctor
from offsider.worker.worker import Worker
from offsider_enterprise import EnterpriseEdition
from offsider_enterprise.thread_check import NAME
from offsider_pro import ProEdition
from support.signer import NOW_S, Signer
from support.site import Visitor
from support.waiting import until

SIGNER = Signer()


@pytest.fixture
def licensed(make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], App]:
    """Apps with a licence for so many threads."""
    monkeypatch.setattr("offsider_licensing.public_keys.KEYS", SIGNER.keys)
    for module in ("offsider_licensing.gate", "offsider_pro.license"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: float(NOW_S)))

    def make(threads: int | None) -> App:
        token = SIGNER.token(limits={"threads": threads})
        return make_app(editions=[ProEdition(token), EnterpriseEdition(token)])

    return make


def found(app: App) -> list[str]:
    """What the doctor says of threads."""
    return [f"{one.level}: {one.value}" for one in doctor(app).findings if one.name == NAME]


@pytest.mark.parametrize(("threads", "level"), [(10, "ok"), (9, "warning")])
def test_the_doctor_and_every_page_say_whether_they_are_too_many(
    licensed: Callable[[int | None], App],
    start_worker: Callable[..., Worker],
    raw: redis.Redis,
    threads: int,
    level: str,
) -> None:
    app = licensed(threads)
    worker = start_worker(app, concurrency=10)
    until(lambda: raw.hexists(f"{{offsider}}:{worker.identity}", "concurrency"))
    said = f"10 worker threads run, and the licence is for {threads}"
    assert found(app) == [f"{level}: {said}"]
    visitor = Visitor(licensed(threads).web())
    visitor.text("/doctor")  # looks now: other pages show what was found last
    assert (f"{said}. Nothing is stopped" in visitor.text("/queues")) is (level == "warning")


def test_without_a_limit_nothing_is_counted(licensed: Callable[[int | None], App]) -> None:
    assert found(licensed(None)) == []

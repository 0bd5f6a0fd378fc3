"""What reliable fetch puts into a worker: beside the fetch, and around suspects only."""

from __future__ import annotations

from collections.abc import Callable

from offsider import App
from offsider.worker.worker import Worker, lease_fetcher
from offsider_pro.reliable.link import RunAlone
from offsider_pro.reliable.recovery import GuardedRecovery
from offsider_pro.reliable.suspects import FIELD


def test_the_fetch_is_the_free_editions_own_and_only_suspects_meet_the_link(make_pro: Callable[..., App]) -> None:
    worker = Worker(make_pro(pro={"reliable_fetch": True}))
    assert worker.fetcher.value is lease_fetcher
    assert isinstance(worker.services["recovery"], GuardedRecovery)
    assert "pro.guard" in worker.services
    link = worker.server_middleware.compile()[0]
    assert isinstance(link, RunAlone), "outermost: what stands around a body stands around it in its own process"
    assert (link.fields, link.keeps_time) == ({FIELD}, True)


def test_without_the_setting_a_worker_is_as_it_was(make_pro: Callable[..., App]) -> None:
    worker = Worker(make_pro(pro={"reliable_fetch": False}))
    assert not isinstance(worker.services["recovery"], GuardedRecovery)
    assert not any(isinstance(link, RunAlone) for link in worker.server_middleware.compile())


def test_an_orphan_is_an_event_of_the_app(make_pro: Callable[..., App]) -> None:
    app = make_pro()
    app.on("orphan")(lambda record, cause: None)
    assert app.events.heard("orphan")

"""The edition as a whole: an app may have one worker after another, and two apps may share the edition."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

from offsider import App
from offsider.worker.worker import Worker
from offsider_pro import ProEdition
from offsider_pro.pause import Pauses
from support.bench import Bench
from support.waiting import until


def test_an_app_may_have_one_worker_after_another(pro: App, raw: Any, start_worker: Callable[..., Worker]) -> None:
    seen: list[int] = []
    pro.job(name="count")(lambda number: seen.append(number))
    for number in range(2):
        pro.jobs["count"].enqueue(number)
        worker = start_worker(pro)
        until(lambda number=number: number in seen)  # type: ignore[misc]
        worker.stop()


def test_two_apps_may_share_an_edition(make_app: Callable[..., App]) -> None:
    edition = ProEdition(license="evaluation")
    for namespace in ("a", "b"):
        app = make_app(editions=[edition], namespace=namespace)
        app.job(name="report", expires_in=60)(lambda: None)
        assert app.jobs["report"].enqueue()


def test_around_a_usual_job_stands_nothing_but_what_measures_some_of_them(
    make_pro: Callable[..., App], raw: Any, start_worker: Callable[..., Worker]
) -> None:
    assert pro_links(Worker(make_pro()))[-1] == "UsageMeter"
    pro = make_pro(pro={"costs": False})
    bench = Bench(pro, raw, start_worker)
    pro.job(name="count")(lambda: None)
    worker = bench.start()
    until(lambda: pro_links(worker) == [], what="the first look is over")
    Pauses(pro).pause_class("count")
    until(lambda: pro_links(worker) == ["HoldPaused"], 10, what="the pause is known")


def pro_links(worker: Worker) -> list[str]:
    """What of the edition stands around a job with no fields of its own."""
    links = worker.server_middleware.compile()
    ours = [link for link in links if type(link).__module__.startswith("offsider_pro")]
    return [type(link).__name__ for link in ours if not link.idle and not link.fields]


def test_an_edition_of_many_apps_keeps_none_of_them_alive() -> None:
    edition = ProEdition(license="evaluation")
    app = App("redis://127.0.0.1:1", editions=[edition])
    alive = weakref.ref(app)
    app.close()
    del app
    gc.collect()
    assert alive() is None
    assert edition.gate.license is not None

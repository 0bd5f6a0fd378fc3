"""An edition of a third party comes in through the same doors as ours, and works with a real worker."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App, Retry
from offsider.config.model import Section
from offsider.contract.edition import Edition
from offsider.contract.work import Fetcher
from offsider.errors import (
    DuplicateName,
    InvalidOption,
    InvalidSetting,
    SeamClosed,
    SlotTaken,
    UnknownOption,
    UnknownSetting,
)
from offsider.testing.conformance import FetcherConformance
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from offsider.worker.worker import Worker
from support.site import Visitor, fill
from support.waiting import until
from together.acme import AcmeEdition, Census, CountingFetcher, Track

Make = Callable[..., App]
Start = Callable[..., Worker]
TESTS = Path(__file__).parents[1]


@pytest.fixture
def acme() -> AcmeEdition:
    """The edition."""
    return AcmeEdition()


@pytest.fixture
def shop(make_app: Make, acme: AcmeEdition) -> App:
    """An app with it."""
    return make_app(editions=[acme], acme={"tenant": "small", "blocked": "bad"})


# -- the app's door ------------------------------------------------------------------------------------------------


def test_its_option_and_its_setting_reach_the_payload(shop: App, raw: redis.Redis) -> None:
    @shop.job(name="buy", tenant="large")
    def buy() -> None:
        """Has the option."""

    @shop.job(name="look")
    def look() -> None:
        """Has it not."""

    assert buy.enqueue()
    assert look.enqueue()
    assert buy.using(tenant="other").enqueue()
    payloads = raw.lrange("{offsider}:queue:default", 0, -1)[::-1]
    assert [json.loads(payload)["tenant"] for payload in payloads] == ["large", "small", "other"]


def test_its_middleware_stops_jobs_one_by_one_and_in_bulk(shop: App, raw: redis.Redis) -> None:
    @shop.job(name="buy", tenant="bad")
    def buy(n: int) -> None:
        """Of the blocked tenant."""

    assert buy.enqueue(1) is None
    assert buy.enqueue_many([(1,), (2,)]) == [None, None]
    assert buy.using(delay=60).enqueue(1) is None
    assert raw.keys("*queue*") == []


def test_its_middleware_is_around_inline_runs_too(shop: App, acme: AcmeEdition) -> None:
    @shop.job(name="buy")
    def buy(n: int) -> int:
        """Runs here."""
        return n + 1

    assert buy.inline(1) == 2
    assert acme.track.seen == [("buy", "small")]
    assert buy.using(tenant="bad").inline(1) is None


def test_a_wrong_value_or_name_is_told_in_its_words(shop: App, make_app: Make) -> None:
    with pytest.raises(InvalidOption, match="expected the name of a tenant"):
        shop.job(name="x", tenant=7)(lambda: None)
    with pytest.raises(UnknownOption, match=r"Did you mean 'tenant'\?\n.*acme \(tenant\)"):
        shop.job(name="x", tenent="a")(lambda: None)
    with pytest.raises(UnknownSetting, match=r"acme\.tenent"):
        make_app(editions=[AcmeEdition()], acme={"tenent": "a"})


def test_without_it_its_option_and_section_are_unknown(make_app: Make) -> None:
    with pytest.raises(UnknownOption, match="tenant"):
        make_app().job(name="x", tenant="a")(lambda: None)
    with pytest.raises(UnknownSetting, match="acme"):
        make_app(acme={"tenant": "a"})


def test_a_section_may_have_a_key_that_must_be_set(make_app: Make) -> None:
    class Keyed(Section):
        """Without a default."""

        key: str

    class KeyedEdition(Edition):
        """Needs a key."""

        name = "keyed"

        def install(self, app: App) -> None:
            app.config_sections.add("keyed", Keyed, by=self.name)

    settings: Any = make_app(editions=[KeyedEdition()], keyed={"key": "a"}).settings
    assert settings.keyed.key == "a"
    with pytest.raises(InvalidSetting, match=r"keyed"):
        make_app(editions=[KeyedEdition()])


def test_a_process_that_only_enqueues_opens_no_other_door(shop: App, acme: AcmeEdition) -> None:
    @shop.job(name="buy")
    def buy() -> None:
        """Enqueued only."""

    buy.enqueue()
    assert acme.doors == ["app"]


# -- the worker's door ---------------------------------------------------------------------------------------------


def test_all_that_it_brings_works_in_a_real_worker(
    shop: App, acme: AcmeEdition, start_worker: Start, raw: redis.Redis
) -> None:
    ran = threading.Barrier(3)

    @shop.job(name="buy", tenant="large")
    def buy() -> None:
        """On a thread."""
        ran.wait(10)

    @shop.job(name="ship", retry=False)
    async def ship() -> None:
        """On the loop."""
        import asyncio

        await asyncio.to_thread(ran.wait, 10)

    @shop.job(name="fail", tenant="unlucky", retry=Retry(max=0))
    def fail() -> None:
        """Dies."""
        raise ValueError("no")

    worker = start_worker(shop)
    for job in (buy, ship, fail):
        job.enqueue()
    ran.wait(10)
    until(lambda: sum(one.settled for one in acme.fetchers) == 3, what="its fetcher has settled all")
    assert sorted(acme.track.seen) == [("buy", "large"), ("fail", "unlucky"), ("ship", "small")]
    assert raw.hgetall("{offsider}:acme-tenants") == {b"unlucky": b"1"}, "its script, run by its listener"
    process = f"{{offsider}}:{worker.identity}"
    until(lambda: raw.hget(process, "acme_settled") == b"3", what="its heartbeat field")
    assert acme.census.running.is_set()
    assert not acme.census.stopped.is_set()
    worker.stop()
    assert acme.census.stopped.is_set()
    assert list(dict.fromkeys(acme.heard)) == ["startup", "beat", "quiet", "shutdown", "exit"]
    assert acme.doors == ["app", "worker"]


def test_what_its_filter_holds_is_run_when_it_is_free_and_the_rest_meanwhile(
    shop: App, acme: AcmeEdition, start_worker: Start, raw: redis.Redis
) -> None:
    ran = {"mail": threading.Event(), "default": threading.Event()}

    @shop.job(name="buy")
    def buy(queue: str) -> None:
        """Says where it ran."""
        ran[queue].set()

    acme.held = {"mail"}
    worker = start_worker(shop, queues=["mail", "default"])
    buy.using(queue="mail").enqueue("mail")
    buy.enqueue("default")
    assert ran["default"].wait(10)
    assert raw.llen("{offsider}:queue:mail") == 1
    acme.held = set()
    worker.wake()
    assert ran["mail"].wait(10)


def test_its_counts_are_ours_too(shop: App, start_worker: Start, raw: redis.Redis) -> None:
    @shop.job(name="buy")
    def buy() -> None:
        """Counted by the outermost link."""

    worker = start_worker(shop)
    buy.enqueue_many([()] * 5)
    until(lambda: raw.llen("{offsider}:queue:default") == 0)
    worker.stop()
    assert raw.get("{offsider}:stat:processed") == b"5"


def test_two_that_fill_one_slot_are_both_named(make_app: Make) -> None:
    class Other(AcmeEdition):
        """Another one with a fetcher."""

        name = "other"

        def install(self, app: App) -> None:
            """Nothing here."""

    app = make_app(editions=[Other(), AcmeEdition()])
    with pytest.raises(SlotTaken, match=r"acme.*other"):
        Worker(app)


def test_two_of_one_name_are_refused(make_app: Make) -> None:
    class Copy(AcmeEdition):
        """Registers the same things."""

        name = "copy"

    with pytest.raises(DuplicateName, match=r"acme.*copy"):
        make_app(editions=[AcmeEdition(), Copy()])


def test_what_comes_too_late_is_refused(shop: App, start_worker: Start) -> None:
    with pytest.raises(SeamClosed, match="job_options"):
        shop.job_options.add("late", object(), by="late")  # type: ignore[arg-type]
    with pytest.raises(SeamClosed, match="scripts"):
        shop.scripts.add("late", object(), by="late")  # type: ignore[arg-type]
    worker = start_worker(shop)
    with pytest.raises(SeamClosed, match="services"):
        worker.services.add("late", Census(), by="late")
    with pytest.raises(SeamClosed, match="heartbeat_fields"):
        worker.heartbeat_fields.add("late", lambda: 1, by="late")
    with pytest.raises(SeamClosed, match="fetcher"):
        worker.fetcher.fill(None, by="late")


def test_server_middleware_that_a_worker_would_never_run_is_refused(shop: App, start_worker: Start) -> None:
    start_worker(shop)
    with pytest.raises(SeamClosed, match="server_middleware"):
        shop.server_middleware.add("late", Track(), by="late")


class TestCountingFetcher(FetcherConformance):
    """Its fetcher keeps the contract."""

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """As its door makes it."""
        limits = Limits(lease_s=app.settings.worker.lease_s)
        order = QueueOrder(dict.fromkeys(queues, 0))
        return CountingFetcher(LeaseFetcher(app.connections, app.keys, order, owner=owner, limits=limits))


# -- the command line's door ---------------------------------------------------------------------------------------

JOBS = """
from offsider import App
app = App({url!r}, namespace="shop", worker={{"beat_s": 0.2}})
@app.job(name="buy", tenant="large")
def buy():
    print("bought for the default", app.settings.acme.tenant, flush=True)
"""


@pytest.fixture
def installed(tmp_path: Path, redis_url: str) -> dict[str, str]:
    """The environment of a machine that has the edition installed beside ours."""
    info = tmp_path / "acme_edition-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-edition\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[offsider.editions]\nacme = together.acme:AcmeEdition\n", "utf-8")
    (tmp_path / "shop_jobs.py").write_text(JOBS.format(url=redis_url), "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFSIDER_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (tmp_path, TESTS))), "OFFSIDER_EDITIONS": "acme"}


def offsider(*words: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    command = [sys.executable, "-m", "offsider", *words]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=30)


def test_its_command_is_listed_and_runs(installed: dict[str, str], tmp_path: Path) -> None:
    listed = offsider("--help", env=installed, cwd=tmp_path)
    assert re.search(r"tenants +Lists tenants\.", listed.stdout), listed.stderr
    assert offsider("tenants", "large", env=installed, cwd=tmp_path).stdout == "tenant large\n"
    without = offsider("tenants", "large", env={**installed, "OFFSIDER_EDITIONS": "oss"}, cwd=tmp_path)
    assert without.returncode == 2
    assert "No such command 'tenants'" in without.stderr


@pytest.mark.parametrize("from_", ["the environment", "the command line"])
def test_its_process_runner_runs_a_worker_with_all_of_it(
    installed: dict[str, str], tmp_path: Path, raw: redis.Redis, from_: str
) -> None:
    environment = {**installed, "OFFSIDER_ACME_TENANT": "from the environment"}
    words = ["--tenant", "from the command line"] if from_ == "the command line" else []
    enqueue = [sys.executable, "-c", "from shop_jobs import buy; print(buy.enqueue())"]
    subprocess.run(enqueue, env=environment, cwd=tmp_path, check=True, timeout=30, stdout=subprocess.DEVNULL)
    command = [sys.executable, "-m", "offsider", "worker", "shop_jobs", *words]
    worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "acme runs this process\n"
        assert worker.stdout.readline() == f"bought for the default from {from_}\n"
        listed = "{shop}:processes"
        until(lambda: any(raw.hget(b"{shop}:" + one, "acme_settled") == b"1" for one in raw.smembers(listed)))
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        worker.stdout.close()


def test_its_pages_tab_texts_rows_and_banner_are_there_like_ours(make_app: Callable[..., App], raw: Any) -> None:
    edition = AcmeEdition()
    app = make_app(editions=[edition])
    fill(app, raw)
    visitor = Visitor(app.web())
    german = visitor.get("/acme/tenants", **{"accept-language": "de"}).text
    assert "<h1>Mandanten</h1>" in german
    assert "&lt;bob&gt;" in german
    assert 'href="/acme/tenants" aria-current="page"' in german
    assert "<bdi>Tenant</bdi>" in visitor.text("/jobs/r1")
    assert '<a href="/acme/tenants"><bdi>Acme is &lt;open&gt;</bdi></a>' in visitor.text("/queues")
    assert visitor.client.post("/acme/block", data={"queue": "mail"}).status_code == 403, "the same gate as ours"
    answer = visitor.post("/acme/block", {"queue": "mail"})
    assert "Blocked: <data" in visitor.text(answer.headers["location"])
    assert "mail" in edition.held
    assert {"read /acme/tenants", "change /acme/block"} <= set(edition.heard)


def test_its_languages_stand_beside_ours(make_app: Callable[..., App]) -> None:
    visitor = Visitor(make_app(editions=[AcmeEdition()]).web())

    def page(code: str) -> str:
        return str(visitor.get("/acme/tenants", **{"accept-language": code}).text)

    assert "<h1>Najemcy</h1><p>2 najemcy</p>" in page("pl"), "its own plural forms"
    assert "Kolejki" in page("pl"), "and our texts"
    japanese = page("ja")
    assert "<h1>Tenants</h1><p>2 tenants</p>" in japanese, "what it lacks is English"
    assert "キュー" in japanese
    assert "<h1>Vuokralaiset</h1>" in page("fi-FI"), "a language that we have not"
    assert '<option value="fi" lang="fi">Suomi</option>' in japanese

"""Each page shows what there is, and each action does what its button says."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from offsider import App, Context
from offsider.worker.worker import Worker
from support.site import Visitor, failed, fill, payload
from support.waiting import until

Start = Callable[..., Worker]


@pytest.fixture
def visitor(app: App, raw: Any) -> Visitor:
    """Somebody at this machine, with a job in every place."""
    fill(app, raw)
    return Visitor(app.web())


def figures(text: str) -> dict[str, str]:
    """The numbers of the navigation."""
    found = re.findall(r"<span>(\w+)</span><span class=\"count[^\"]*\"><data value=\"(\d+)\">", text)
    return dict(found)


def follow(visitor: Visitor, answer: Any) -> str:
    """The page after a change."""
    assert answer.status_code == 303, answer.text[:300]
    return visitor.text(answer.headers["location"])


# -- looking ---------------------------------------------------------------------------------------------------------


def test_the_navigation_counts(visitor: Visitor) -> None:
    expected = {"Busy": "0", "Queues": "1", "Scheduled": "1", "Retries": "1", "Dead": "1", "Quarantine": "1"}
    assert figures(visitor.text("/")) == expected
    assert 'href="/retries" aria-current="page"' in visitor.text("/retries?count=25")


def test_the_first_page_of_an_empty_server_teaches(app: App) -> None:
    text = Visitor(app.web()).text("/")
    assert "Nothing has run here yet" in text
    assert "hello.enqueue(&#39;Ada&#39;)" in text


@pytest.mark.parametrize(
    ("address", "said"),
    [("/busy", "No worker lives"), ("/queues", "No queues yet"), ("/queues/tea", "This queue is empty"),
     ("/scheduled", "Nothing is scheduled"), ("/retries", "Nothing is to be tried again"), ("/dead", "Nobody has died"),
     ("/quarantine", "Nothing is in quarantine"),
     ("/errors", "No errors"), ("/metrics", "Nothing has run in this period"),
     ("/profiles", "No profiles"),
     ("/metrics/a.b", "It has not run in this period"), ("/find", "What do you look for?")],
)  # fmt: skip
def test_an_empty_page_says_what_it_will_show(app: App, address: str, said: str) -> None:
    assert said in Visitor(app.web()).text(address)


def test_the_figures_are_there_for_programs(visitor: Visitor) -> None:
    found = visitor.get("/stats").json()
    assert (found["enqueued"], found["retries"], found["queues"][0]["name"]) == (1, 1, "mail")
    assert visitor.get("/stats/queues").json() == {"mail": 1}
    assert visitor.get("/healthz").text == "ok\n"
    answer = visitor.get("/metrics", accept="application/openmetrics-text;version=1.0.0")
    assert b"offsider_dead_jobs 1.0" in answer.content


def test_a_list_has_pages(app: App, raw: Any) -> None:
    raw.zadd(app.keys.schedule, {payload(f"j{k:04}"): 4_000_000_000 + k for k in range(120)})
    visitor = Visitor(app.web())
    first, last = visitor.text("/scheduled?count=50"), visitor.text("/scheduled?count=50&page=3")
    assert re.findall(r"/jobs/(j\d+)", first) == [f"j{k:04}" for k in range(50)]
    assert re.findall(r"/jobs/(j\d+)", last) == [f"j{k:04}" for k in range(100, 120)]
    assert visitor.text("/scheduled?count=50&page=99").count('class="job"') == 20, "behind the end is the end"
    assert re.findall(r"/jobs/(j\d+)", visitor.text("/scheduled?sort=other"))[0] == "j0119"


def test_a_search_finds_by_each_condition_and_goes_on(app: App, raw: Any) -> None:
    jobs = {failed(f"j{k:04}", tags=["even" if k % 2 == 0 else "odd"], args=[f"tea {k}"]): k + 1.0 for k in range(3000)}
    raw.zadd(app.keys.retry, jobs)
    raw.zadd(app.keys.retry, {failed("other", "shop.OutOfStock", "gone", **{"class": "shop.buy"}): 5000.0})
    visitor = Visitor(app.web())
    for query in ("name=shop.buy", "error=OutOfStock", "error=shop.OutOfStock", "text=GONE"):
        assert re.findall(r"/jobs/(\w+)", visitor.text(f"/retries?{query}")) == ["other"], query
    found, address = set(), "/retries?tag=even&count=250"
    while address:
        text = visitor.text(address)
        found |= set(re.findall(r"/jobs/(j\d+)", text))
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert found == {f"j{k:04}" for k in range(0, 3000, 2)}


def test_the_search_of_every_page_leads_to_a_job_or_to_lists(visitor: Visitor) -> None:
    assert visitor.get(f"/find?q={'a1' * 12}").headers["location"] == f"/jobs/{'a1' * 12}"
    assert "/jobs/d1" in visitor.text("/find?q=no+tea")


def test_a_job_shows_everything_it_carries(visitor: Visitor, app: App, raw: Any) -> None:
    raw.zadd(app.keys.retry, {failed("all", context={"tenant": "ada"}, batch="b7", kwargs={"size": "large"}): 4e9})
    text = visitor.text("/jobs/all")
    for part in ("to be tried again", "ValueError", "context.tenant", "ada", "b7", "large", "2 times", "Run now"):
        assert part in text, part


def test_a_job_that_is_gone_may_have_left_its_result(app: App, start_worker: Start) -> None:
    @app.job(result_ttl=60)
    def add(a: int, b: int) -> int:
        return a + b

    jid = add.enqueue(20, 22)
    start_worker(app)
    assert jid is not None
    until(lambda: app.result(jid).is_final, what="the job is done")
    text = Visitor(app.web()).text(f"/jobs/{jid}")
    assert 'tabindex="0">42</pre>' in text
    assert "not in Redis" in text


def test_errors_that_are_the_same_are_one_line(app: App, raw: Any) -> None:
    raw.zadd(app.keys.retry, {failed(f"a{k}", message=f"order {k} of 'x{k}' is gone"): 4e9 + k for k in range(7)})
    raw.zadd(app.keys.dead, {failed("z", message="another thing"): 1.0})
    text = Visitor(app.web()).text("/errors")
    assert "order … of … is gone" in text
    assert text.count('id="error-') == 2


def test_metrics_of_what_has_run(app: App, start_worker: Start) -> None:
    @app.job(name="shop.tea", retry=False)
    def tea(fails: bool) -> None:
        if fails:
            raise ValueError("cold")

    tea.enqueue(False)
    tea.enqueue(True)
    worker = start_worker(app)
    until(lambda: app.stats.now().processed == 2, what="both have run")
    worker.stop()
    app.metrics.mark("v8")
    visitor = Visitor(app.web())
    assert "/metrics/shop.tea" in visitor.text("/metrics")
    assert "/metrics/shop.tea" not in visitor.text("/metrics?match=coffee")
    for period in ("1h", "8h", "24h", "72h"):
        text = visitor.text(f"/metrics/shop.tea?period={period}")
        assert "1</data> failed" in text
        assert "v8" in text


def test_the_doctor_shows_findings_and_settings_without_secrets(make_app: Callable[..., App]) -> None:
    app = make_app(web={"user": "ada", "password": "hush hush"})
    text = Visitor(app.web(auth="host")).text("/doctor")
    assert "worker.concurrency" in text
    assert "hush" not in text


# -- acting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/scheduled", "/retries"])
@pytest.mark.parametrize(("act", "place"), [("run_now", "queue"), ("kill", "dead"), ("delete", "nowhere")])
def test_what_is_chosen_is_acted_on_and_no_other(
    visitor: Visitor, app: App, raw: Any, path: str, act: str, place: str
) -> None:
    key = app.keys.schedule if path == "/scheduled" else app.keys.retry
    raw.zadd(key, {failed("x1"): 4e9, failed("x2"): 4e9})
    text = follow(visitor, visitor.post(path, {"act": act, "jid": ["x1", "x2", "gone"], "back": f"{path}?count=25"}))
    assert '<data value="2">2</data>' in text.split('id="said"')[1][:400]
    assert {app.why(jid).place for jid in ("x1", "x2")} == {place}
    assert raw.zcard(key) == 1


@pytest.mark.parametrize(("act", "place"), [("retry", "queue"), ("delete", "nowhere")])
def test_the_dead_are_run_again_or_deleted(visitor: Visitor, app: App, act: str, place: str) -> None:
    follow(visitor, visitor.post("/dead", {"act": act, "jid": "d1"}))
    assert app.why("d1").place == place


def test_all_that_fit_are_counted_first_and_then_acted_on(visitor: Visitor, app: App, raw: Any) -> None:
    raw.zadd(app.keys.retry, {failed(f"tea{k}", args=["tea"]): 4e9 for k in range(7)})
    asked = visitor.text("/retries/all?act=kill&text=tea")
    assert "7 jobs" in asked
    assert len(app.retries) == 8, "to ask changes nothing"
    follow(visitor, visitor.post("/retries/all", {"act": "kill", "text": "tea"}))
    assert (len(app.retries), len(app.dead)) == (1, 8)
    assert "8 jobs" in visitor.text("/dead/all?act=delete")
    follow(visitor, visitor.post("/dead/all", {"act": "delete"}))
    assert len(app.dead) == 0


def test_a_count_that_there_was_no_time_for_says_so_and_all_that_fit_are_acted_on(
    visitor: Visitor, app: App, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offsider.web.listing.AT_ONCE_S", 0.0)
    raw.zadd(app.keys.retry, {failed(f"tea{k}", args=["tea"]): 4e9 for k in range(2000)})
    asked = visitor.text("/retries/all?act=kill&text=tea")
    assert "more than" in asked
    further = re.search(r'href="([^"]*)">Search everything', asked)
    assert further is not None
    complete = visitor.text(unescape(further[1]))
    assert re.search(r"2.?000 jobs", complete)
    assert "Search everything" not in complete
    follow(visitor, visitor.post("/retries/all", {"act": "kill", "text": "tea"}))
    assert (len(app.retries), len(app.dead)) == (1, 2001)


def test_jobs_of_a_queue_are_deleted_and_a_queue_is_cleared(visitor: Visitor, app: App, raw: Any) -> None:
    raw.lpush(app.keys.queue("mail"), payload("w2"), payload("w3"))
    follow(visitor, visitor.post("/queues/mail", {"act": "delete", "jid": ["w1", "w2"]}))
    assert [job.jid for job in app.queues["mail"]] == ["w3"]
    assert "1 job" in visitor.text("/queues/mail/clear")
    assert app.queues["mail"].size == 1
    follow(visitor, visitor.post("/queues/mail", {"act": "clear"}))
    assert app.queues["mail"].size == 0


@pytest.mark.parametrize(
    ("jid", "act", "place"),
    [("w1", "delete", "nowhere"), ("s1", "run_now", "queue"), ("s1", "kill", "dead"), ("s1", "delete", "nowhere"),
     ("r1", "run_now", "queue"), ("r1", "kill", "dead"), ("r1", "delete", "nowhere"), ("d1", "run_now", "queue"),
     ("d1", "delete", "nowhere"), ("r1", "cancel", "nowhere"), ("gone", "delete", "nowhere")],
)  # fmt: skip
def test_one_job_is_acted_on_from_its_page(visitor: Visitor, app: App, jid: str, act: str, place: str) -> None:
    text = follow(visitor, visitor.post(f"/jobs/{jid}", {"act": act}))
    assert app.why(jid).place == place
    assert ("Nothing was done" in text) is (jid == "gone")


def test_a_running_job_is_cancelled_and_its_process_told(app: App, start_worker: Start) -> None:
    ended = threading.Event()

    @app.job
    def long(ctx: Context) -> None:
        ctx.progress(1, 4, "a <quarter>")
        try:
            while True:
                ctx.check()
                threading.Event().wait(0.01)
        finally:
            ended.set()

    jid = long.enqueue()
    start_worker(app)
    visitor = Visitor(app.web())
    until(lambda: "a &lt;quarter&gt;" in visitor.text("/busy"), what="its progress is shown")
    text = visitor.text(f"/jobs/{jid}")
    assert "in flight" in text
    assert "Cancel" in text
    location = visitor.post(f"/jobs/{jid}", {"act": "cancel", "back": "/busy"}).headers["location"]
    assert location.startswith("/busy?said=")
    assert ended.wait(10)


@pytest.mark.parametrize("act", ["quiet", "stop", "dump"])
def test_processes_obey(app: App, start_worker: Start, raw: Any, act: str) -> None:
    worker = start_worker(app)
    until(lambda: len(app.processes) == 1, what="it is listed")
    visitor = Visitor(app.web())
    identity = app.processes.all()[0].identity
    assert identity in visitor.text("/busy")
    text = follow(visitor, visitor.post("/busy", {"act": act, "identity": identity}))
    assert '<data value="1">1</data>' in text
    if act == "quiet":
        until(lambda: app.processes.all()[0].quiet, what="it is quiet")
        assert ">quiet<" in visitor.text("/busy")
    worker.stop(1.0)
    text = follow(visitor, visitor.post("/busy", {"act": act, "identity": "gone"}))
    assert '<data value="0">0</data>' in text


@pytest.mark.parametrize("path", ["/busy", "/retries", "/queues/mail", "/jobs/r1", "/dead/all"])
def test_an_act_that_nobody_knows_is_refused(visitor: Visitor, path: str) -> None:
    answer = visitor.post(path, {"act": "explode"})
    assert answer.status_code == 400
    assert "explode" in answer.text


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\nb: c", ""])
def test_a_form_leads_back_to_a_page_of_ours(visitor: Visitor, back: str) -> None:
    answer = visitor.post("/retries", {"act": "delete", "jid": "x", "back": back})
    assert answer.headers["location"].startswith("/retries?said=")


def test_only_what_pages_say_is_said(visitor: Visitor) -> None:
    assert 'id="said"' not in visitor.text("/retries?said=deadbeef&n=3")
    assert json.loads(visitor.get("/stats").text)


def test_a_count_that_is_none_is_not_shown(visitor: Visitor) -> None:
    location = visitor.post("/retries", {"act": "delete", "jid": "r1"}).headers["location"]
    text = visitor.text(location.replace("n=1", "n=\u00b2"))
    assert "Deleted: " in text
    assert "<data" not in text.split('id="said"')[1].split("</p>")[0]


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/nothing?%3F"])
def test_no_address_makes_a_link_to_elsewhere(app: App, path: str) -> None:
    async def ask() -> str:
        parts: list[bytes] = []

        async def send(message: Any) -> None:
            parts.append(message.get("body", b""))

        headers = [(b"host", b"localhost"), (b"accept", b"text/html")]
        scope = {"type": "http", "method": "GET", "scheme": "http", "path": path, "root_path": "", "query_string": b"",
                 "headers": headers, "client": ("127.0.0.1", 1), "server": None}  # fmt: skip
        await app.web()(scope, None, send)  # type: ignore[arg-type]
        return b"".join(parts).decode()

    again = re.findall(r'class="button" href="([^"]*)"', asyncio.run(ask()))
    assert again == ["/" + quote(path.lstrip("/"))]


def test_a_form_has_no_more_jobs_than_a_page(visitor: Visitor, app: App) -> None:
    answer = visitor.post("/queues/mail", {"act": "delete", "jid": ["w1", *(f"x{k}" for k in range(250))]})
    assert answer.status_code == 400
    assert "jid has 251 ids: at most 250 at once" in answer.text
    assert app.queues["mail"].size == 1


def test_a_query_may_have_any_name(visitor: Visitor) -> None:
    assert "path=x&amp;self=y" in visitor.text("/retries?path=x&self=y")


def test_an_address_of_ours_stays_as_long_as_it_was(visitor: Visitor) -> None:
    assert len(visitor.text(f"/retries?lang={'x' * 8000}")) < 40_000


def test_profiles_of_runs_are_read_taken_along_and_deleted(app: App, start_worker: Start) -> None:
    pytest.importorskip("pyinstrument")

    @app.job(name="shop.sum")
    def add_up(n: int) -> None:
        sum(k * k for k in range(n))

    jid = add_up.using(profile="slow").enqueue(300_000)
    start_worker(app)
    until(lambda: app.profiles.all(), what="the run was profiled")
    visitor = Visitor(app.web())
    assert f'href="/profiles/slow-{jid}"' in visitor.text("/profiles")
    text = visitor.text(f"/profiles/slow-{jid}")
    assert "add_up" in text
    file = visitor.get(f"/profiles/slow-{jid}/profile.json")
    assert "attachment" in file.headers["content-disposition"]
    assert file.json()["$schema"]
    assert "No profiles" in follow(visitor, visitor.post(f"/profiles/slow-{jid}"))
    assert visitor.get(f"/profiles/slow-{jid}").status_code == 404

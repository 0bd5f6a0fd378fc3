"""The app: its settings, its jobs and their names, its listeners, and its way to Redis, closed and used again."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App
from offsider.errors import (
    ConfigError,
    DuplicateJob,
    InvalidOption,
    InvalidSetting,
    UnknownLink,
    UnknownOption,
    UnknownSetting,
)
from offsider.worker.worker import Worker
from support.connections import count_named, named
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]
NOWHERE = "redis://127.0.0.1:1/0"
QUEUE = "{offsider}:queue:default"


def nothing() -> None:
    """A body."""


def bare(*given: Any, **settings: Any) -> App:
    """An app without editions that is never connected."""
    return App(*given, editions=[], **settings)


# -- settings --------------------------------------------------------------------------------------------------------


def test_making_an_app_connects_nowhere_and_starts_nothing(tmp_path: Path) -> None:
    bare(redis={"data_dir": str(tmp_path / "data")})
    bare(NOWHERE).job(name="x")(nothing)
    assert not (tmp_path / "data").exists()


def test_settings_come_from_keyword_environment_file_and_default_and_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "offsider.toml").write_text('namespace = "file"\n[worker]\nconcurrency = 3\nlease_s = 33\n', "utf-8")
    monkeypatch.setenv("OFFSIDER_WORKER_CONCURRENCY", "4")
    monkeypatch.setenv("OFFSIDER_REDIS_URL", "redis://variable/0")
    app = bare("redis://keyword/0", redis={"url": "redis://section/0", "connect_timeout_s": 1})
    explained = {key: (value, source) for key, value, source in app.loaded.explain()}
    assert explained["redis.url"] == ("redis://keyword/0", "keyword")
    assert explained["redis.connect_timeout_s"] == (1.0, "keyword")
    assert explained["worker.concurrency"] == (4, "environment (OFFSIDER_WORKER_CONCURRENCY)")
    assert explained["worker.lease_s"] == (33.0, "offsider.toml")
    assert explained["worker.beat_s"] == (10.0, "default")
    assert app.keys.queue("mail") == "{file}:queue:mail"


def test_a_file_can_be_named_in_code_or_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.toml").write_text('namespace = "a"\n', "utf-8")
    (tmp_path / "b.toml").write_text('namespace = "b"\n', "utf-8")
    monkeypatch.setenv("OFFSIDER_CONFIG", str(tmp_path / "a.toml"))
    assert bare().settings.namespace == "a"
    assert bare(config=tmp_path / "b.toml").settings.namespace == "b"
    assert bare(config=tmp_path / "b.toml", namespace="c").settings.namespace == "c"
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        bare(config=tmp_path / "gone.toml")


def test_a_setting_nobody_knows_or_that_is_not_valid_is_refused() -> None:
    with pytest.raises(UnknownSetting, match=r"'wroker' \(from keyword\) is no setting\. Did you mean 'worker'\?"):
        bare(wroker={"concurrency": 1})
    with pytest.raises(InvalidSetting, match=r"worker\.concurrency is 0 \(from keyword\)"):
        bare(worker={"concurrency": 0})
    with pytest.raises(ConfigError, match=r"redis\.url is 'nonsense'"):
        bare("nonsense").connections.wire("x", read_timeout_s=1.0)


def test_a_namespace_that_is_not_valid_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="namespace"):
        bare(namespace="a b")


def test_an_empty_namespace_is_the_layout_of_sidekiq(make_app: Make, raw: redis.Redis) -> None:
    make_app(namespace="").job(name="x")(nothing).enqueue()
    assert raw.llen("queue:default") == 1
    assert raw.smembers("queues") == {b"default"}


def test_settings_can_be_put_over_an_apps_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_WORKER_CONCURRENCY", "4")
    given = {"lease_s": 33, "beat_s": 3}
    app = bare(NOWHERE, worker=given)
    app.override(worker={"concurrency": 5, "beat_s": 2}, namespace="other")
    assert (app.settings.worker.concurrency, app.settings.worker.beat_s) == (5, 2.0)
    assert app.settings.worker.lease_s == 33.0, "what is not named stays"
    assert app.settings.redis.url == NOWHERE
    assert app.keys.queue("a") == "{other}:queue:a"
    assert given == {"lease_s": 33, "beat_s": 3}
    with pytest.raises(InvalidSetting, match="from keyword"):
        app.override(worker={"concurrency": 0})


# -- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_is_named_after_its_function_unless_it_has_a_name() -> None:
    app = bare()
    assert app.job(nothing).name == f"{__name__}.nothing"
    assert app.job(name="short")(nothing).name == "short"

    @app.job
    def inner() -> None:
        """Inside a function."""

    assert (
        inner.name
        == f"{__name__}.{test_a_job_is_named_after_its_function_unless_it_has_a_name.__name__}.<locals>.inner"
    )
    assert set(app.jobs) == {f"{__name__}.nothing", "short", inner.name}


def test_two_functions_of_one_name_are_refused_and_both_places_are_named() -> None:
    app = bare()
    app.job(name="mail")(nothing)

    def other() -> None:
        """Another one."""

    with pytest.raises(DuplicateJob) as caught:
        app.job(name="mail")(other)
    line = nothing.__code__.co_firstlineno
    assert f"job 'mail' is defined twice: in {__name__} ({__file__}, line {line}) and in {__name__}" in str(
        caught.value
    )
    assert "another name=" in str(caught.value)
    assert app.jobs["mail"].fn is nothing


def test_the_same_function_may_be_registered_again() -> None:
    app = bare()
    app.job(name="mail")(nothing)
    app.job(name="mail", queue="other")(nothing)
    assert app.jobs["mail"].options.queue == "other"


class Caller:
    """Can be called, but is no function."""

    def __call__(self) -> None:
        """Does nothing."""


def generator() -> Iterator[int]:
    """Runs nothing when it is called."""
    yield 1


async def agenerator() -> Any:
    """Runs nothing when it is awaited, either."""
    yield 1


@pytest.mark.parametrize(
    ("fn", "why"),
    [
        (generator, "has a yield: calling it would run nothing"),
        (agenerator, "has a yield: calling it would run nothing"),
        (Caller, "expected a function, def or async def"),
        (Caller(), "expected a function, def or async def"),
        (len, "expected a function, def or async def"),
        (print, "expected a function, def or async def"),
        (partial(nothing), "expected a function, def or async def"),
        (7, "expected a function, def or async def"),
    ],
    ids=["generator", "async generator", "class", "object", "len", "print", "partial", "number"],
)
def test_what_is_no_plain_function_is_refused(fn: Any, why: str) -> None:
    app = bare()
    with pytest.raises(InvalidOption, match=why):
        app.job(name="x")(fn)
    with pytest.raises(InvalidOption, match=why):
        app.job(fn)
    assert app.jobs == {}, "nothing of it is left"


def test_a_wrong_option_is_refused_where_the_job_is_defined() -> None:
    app = bare()
    with pytest.raises(
        UnknownOption, match=r"has the option 'quue'\. Did you mean 'queue'\?\nOptions come from: core \("
    ):
        app.job(name="x", quue="mail")(nothing)
    with pytest.raises(InvalidOption, match="retry is 'often'"):
        app.job(name="x", retry="often")(nothing)  # type: ignore[call-overload]
    assert app.jobs == {}


# -- the name of a script --------------------------------------------------------------------------------------------

JOBS = """
import sys
from offsider import App
app = App({url!r}, editions=[], worker={{"beat_s": 0.2}})
@app.job
def fn(word):
    print("ran", word, flush=True)
if __name__ == "__main__":
    print(fn.name)
    fn.enqueue(sys.argv[1])
"""
WORK = """
import importlib, sys
from offsider.worker.worker import Worker
module = importlib.import_module(sys.argv[1])
worker = Worker(module.app)
print(*module.app.jobs, flush=True)
worker.start()
sys.stdin.readline()
worker.stop()
"""


@pytest.mark.parametrize(
    ("start", "module", "folder"),
    [
        ("jobs.py", "jobs", "."),
        ("-m jobs", "jobs", "."),
        ("shop/mail.py", "mail", "shop"),
        ("-m shop.mail", "shop.mail", "."),
        ("-m shop", "shop.__main__", "."),
    ],
)
def test_a_job_of_a_module_that_is_run_is_found_by_the_worker_that_imports_it(
    start: str, module: str, folder: str, tmp_path: Path, redis_url: str
) -> None:
    source = JOBS.format(url=redis_url)
    (tmp_path / "shop").mkdir()
    for name in ("jobs.py", "shop/__init__.py", "shop/mail.py", "shop/__main__.py"):
        (tmp_path / name).write_text("" if "init" in name else source, "utf-8")
    run = subprocess.run(
        [sys.executable, *start.split(), "hello"], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 0, run.stderr
    worker = subprocess.Popen(
        [sys.executable, "-c", WORK, module],
        cwd=tmp_path / folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == run.stdout, "the worker knows it under the name that was enqueued"
        assert worker.stdout.readline() == "ran hello\n"
    finally:
        worker.communicate("\n", timeout=20)
    assert worker.returncode == 0


# -- listeners -------------------------------------------------------------------------------------------------------


def test_an_event_nobody_emits_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownLink, match=r"there is no event 'deth'\. Did you mean 'death'\?"):
        bare().on("deth")(nothing)


def test_listeners_hear_a_workers_life_and_one_that_fails_is_named(
    app: App, start_worker: Start, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    for event in ("startup", "quiet", "shutdown", "exit"):
        listener = noting(heard, event)
        assert app.on(event)(listener) is listener

    @app.on("quiet")
    def broken() -> None:
        raise ValueError("my own fault")

    app.on("quiet")(noting(heard, "after the broken one"))
    worker = start_worker(app)
    with caplog.at_level(logging.ERROR, "offsider"):
        worker.stop()
    assert heard == ["startup", "quiet", "after the broken one", "shutdown", "exit"]
    assert f"a listener for 'quiet' by {__name__} failed; the others go on" in caplog.messages


def noting(heard: list[str], what: str) -> Callable[[], None]:
    """A listener that notes a word."""

    def listener() -> None:
        heard.append(what)

    return listener


def test_an_error_at_startup_stops_the_start_and_no_job_is_taken(app: App, raw: redis.Redis) -> None:
    ran: list[str] = []

    @app.on("startup")
    def load_model() -> None:
        raise FileNotFoundError("model.bin")

    app.job(name="x")(noting(ran, "x")).enqueue()
    worker = Worker(app)
    with pytest.raises(FileNotFoundError, match=r"model\.bin"):
        worker.start()
    worker.stop(1.0)
    assert ran == []
    assert raw.llen(QUEUE) == 1
    assert not raw.exists("{offsider}:owners"), "no lease is left"


# -- Redis -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(raw: redis.Redis) -> Iterator[Callable[[], int]]:
    """Counts the open connections of the test's app; the collector drops none of them."""
    gc.disable()
    yield partial(count_named, raw)
    gc.enable()


def test_a_closed_app_has_no_connection_and_can_be_used_again(
    redis_url: str, raw: redis.Redis, opened: Callable[[], int]
) -> None:
    app = bare(named(redis_url))
    job = app.job(name="x")(nothing)
    app.close()
    job.enqueue()
    app.connections.admin().ping()
    assert opened() == 2
    app.close()
    app.close()
    until(lambda: opened() == 0, what="all connections are dropped")
    assert job.enqueue()
    assert raw.llen(QUEUE) == 2
    app.close()


def test_an_app_closed_on_an_event_loop_has_no_connection_and_can_be_used_again(
    redis_url: str, raw: redis.Redis, opened: Callable[[], int]
) -> None:
    app = bare(named(redis_url))
    job = app.job(name="x")(nothing)

    async def whole() -> None:
        await app.aclose()
        await job.aenqueue()
        job.enqueue()
        assert opened() == 2
        await app.aclose()
        await app.aclose()
        await asyncio.to_thread(until, lambda: opened() == 0)
        assert await job.aenqueue()
        await app.aclose()

    asyncio.run(whole())
    until(lambda: opened() == 0)
    assert raw.llen(QUEUE) == 3


def test_without_a_url_a_server_is_started_in_the_folder_given_and_ends_with_the_app(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    app = bare(redis={"data_dir": str(folder)})
    job = app.job(name="x")(nothing)
    try:
        first = job.enqueue()
        assert app.url.startswith("unix://")
        assert folder.stat().st_mode & 0o777 == 0o700
        socket = app.url.removeprefix("unix://")
        client = redis.Redis(unix_socket_path=socket)
        assert client.llen(QUEUE) == 1
        app.close()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        second = job.enqueue()
        assert client.llen(QUEUE) == 2, "what was in the folder is there again"
        assert first != second
        client.close()
    finally:
        app.close()

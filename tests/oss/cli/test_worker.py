"""``offsider worker`` as it is typed: its options, its bad command lines, its log, its settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App
from offsider.cli.main import main
from offsider.worker import signals
from offsider.worker.worker import Worker
from support.processes import Desk
from support.waiting import until

JOBS = """
@app.job(name="paint")
def paint(word: str) -> None:
    say(f"paint {word}")


@app.job(name="tear", retry=False)
def tear(word: str) -> None:
    raise ValueError(f"cannot\\ntear {word}")


@app.job(name="hold")
def hold(word: str) -> None:
    say(f"begin {word}")
    wait_for(word)
    say(f"done {word}")
"""
MODULE = "from offsider import App\napp = App('redis://127.0.0.1:1/0', editions=[])\n"
Run = Callable[..., tuple[int, str]]


def stub(app: App, name: str, queue: str = "default", **options: Any) -> Callable[[str], str | None]:
    """Enqueues one of the module's jobs."""

    def body(word: str) -> None:
        """It runs in the worker's process."""

    return app.job(name=name, queue=queue, **options)(body).enqueue


# -- what is right -------------------------------------------------------------------------------------------------


def test_queues_concurrency_and_the_settings_file_reach_the_worker(desk: Desk, raw: redis.Redis, app: App) -> None:
    desk.write(JOBS)
    (desk.folder / "mine.toml").write_text(
        '[worker]\nconcurrency = 3\ntag = "filed"\nqueues = ["filed"]\n[worker.capsules.slow]\nqueues = ["later"]\n',
        "utf-8",
    )
    words = ["-q", "mail:3", "--queue", "low", "-c", "7", "--config", "mine.toml"]
    worker = desk.worker(*words).logs("runs default (7 at once): mail:3, low; slow (1 at once): later")
    key = f"{{offsider}}:{worker.identity}"
    until(lambda: raw.exists(key))
    info: dict[str, Any] = json.loads(raw.hget(key, "info") or b"")  # type: ignore[arg-type]
    assert (info["concurrency"], info["tag"], info["queues"]) == (8, "filed", ["mail", "low", "later"])
    stub(app, "paint", "later")("wall")
    desk.hears("paint wall")
    worker.tell("TERM")
    assert worker.end() == 0


def test_a_worker_of_a_shard_works_on_the_queues_that_go_there(desk: Desk, raw: redis.Redis, app: App) -> None:
    desk.write(JOBS)
    (desk.folder / "offsider.toml").write_text(
        '[shards.eu]\nnamespace = "eu"\nqueues = ["mail", "reports*"]\n', "utf-8"
    )
    worker = desk.worker("--shard", "eu").logs("runs default (10 at once): mail")
    until(lambda: raw.exists(f"{{eu}}:{worker.identity}"))
    stub(app, "paint", "mail")("not here")
    app.override(namespace="eu")
    app.close()
    stub(app, "paint", "mail")("wall")
    desk.hears("paint wall")
    worker.tell("TERM")
    assert worker.end() == 0
    assert raw.llen("{offsider}:queue:mail") == 1


def test_a_json_log_is_one_object_a_line_with_the_jobs_fields(desk: Desk, app: App) -> None:
    desk.write(JOBS)
    worker = desk.worker("--log-format", "json", "--log-level", "debug")
    jid, torn = stub(app, "paint", tags=["red", "big"])("wall"), stub(app, "tear")("wall")
    worker.logs('"msg": "done"').logs('"msg": "traceback of ').tell("TERM")
    assert worker.end() == 0
    lines = [json.loads(line) for line in worker.log.splitlines()]
    assert {line["pid"] for line in lines} == {worker.pid}
    assert all({"ts", "level", "logger", "thread", "msg"} <= line.keys() for line in lines)
    (done,) = [line for line in lines if line["msg"] == "done"]
    assert (done["job"], done["jid"], done["queue"], done["tags"]) == ("paint", jid, "default", ["red", "big"])
    assert done["elapsed_s"] < 10
    (failed,) = [line for line in lines if line.get("jid") == torn and line["level"] == "WARNING"]
    assert failed["msg"].startswith("failed with ValueError: cannot\ntear wall")
    (traceback,) = [line for line in lines if line["msg"].startswith("traceback of ")]
    assert traceback["error"].endswith("ValueError: cannot\ntear wall")


def test_without_options_the_settings_say_everything_also_how_the_log_looks(desk: Desk, app: App) -> None:
    desk.write(JOBS)
    text = '[worker]\nconcurrency = 3\nqueues = ["filed:2"]\nlog_format = "logfmt"\n'
    (desk.folder / "offsider.toml").write_text(text, "utf-8")
    worker = desk.worker(OFFSIDER_WORKER_CONCURRENCY="4").logs("runs default (4 at once): filed:2")
    jid = stub(app, "tear", "filed")("wall")
    worker.logs("failed with").tell("TERM")
    assert worker.end() == 0
    assert all(line.startswith("ts=20") for line in worker.log.splitlines())
    assert any('msg="failed with ValueError: cannot\\ntear wall' in line for line in worker.log.splitlines())
    assert f"job=tear jid={jid} queue=filed" in worker.log


# -- what is wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command line in this process, in a folder with a module `shop`: exit code, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("OFFSIDER_CONFIG", "")
    (tmp_path / "shop.py").write_text(MODULE, "utf-8")
    before = set(sys.modules)

    def line(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["offsider", "worker", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert said.out == ""
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.err

    yield line
    for name in set(sys.modules) - before:
        if name in ("shop", "odd"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-q", "my queue"], "'my queue' is no queue: expected 1 to 128 letters out of A-Z a-z 0-9 _ . : -"),
        (["-q", ""], "'' is no queue"),
        (["-q", "mail:0"], "queue 'mail:0' has the weight 0: expected 1 to 1000"),
        (["-q", "mail:1001"], "queue 'mail:1001' has the weight 1001: expected 1 to 1000"),
        (["-q", "mail:-3"], "queue 'mail:-3' has the weight -3: expected 1 to 1000"),
        (["-q", "mail", "-q", "mail:2"], "queue 'mail' is given twice"),
        (["-c", "0"], "Invalid value for '-c' / '--concurrency': 0 is not in the range"),
        (["-c", "many"], "'many' is not a valid integer"),
        (["-t", "-1"], "Invalid value for '-t' / '--timeout'"),
        (["-t", "inf"], "worker.shutdown_timeout_s is inf"),
        (["-t", "nan"], "worker.shutdown_timeout_s is nan"),
        (["--log-level", "LOUD"], "'LOUD' is not one of"),
        (["--log-format", "xml"], "'xml' is not one of"),
        (["--config", "nothing.toml"], "the settings file nothing.toml cannot be read"),
    ],
)
def test_a_bad_option_is_one_message_with_the_value_and_exit_code_2(words: list[str], expected: str, run: Run) -> None:
    code, said = run("shop:app", *words)
    assert code == 2
    assert expected in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_misspelt_app_gets_a_hint(run: Run) -> None:
    code, said = run("shop:ap")
    assert code == 2
    assert said.splitlines() == [
        "ConfigError: shop:ap does not exist; expected an App. Did you mean 'app'? Apps in shop: app"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[worker]\nconcurency = 3\n", "'worker.concurency' (from offsider.toml) is no setting. Did you mean"),
        ("[wroker]\nconcurrency = 3\n", "'wroker' (from offsider.toml) is no setting. Did you mean 'worker'?"),
        ("[worker]\nconcurrency = 0\n", "worker.concurrency is 0 (from offsider.toml)"),
        ('[worker]\nqueues = ["a b"]\n', "'a b' is no queue"),
        ("worker = = 3\n", "the settings file offsider.toml is not TOML"),
    ],
)
def test_a_bad_settings_file_is_one_message(text: str, expected: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "offsider.toml").write_text(text, "utf-8")
    code, said = run("shop:app")
    assert code == 2
    assert expected in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("OFFSIDER_WORKER_CONCURENCY", "3", "Did you mean 'OFFSIDER_WORKER_CONCURRENCY'?"),
        ("OFFSIDER_WORKER_CONCURRENCY", "many", "(from environment (OFFSIDER_WORKER_CONCURRENCY))"),
        ("OFFSIDER_WORKER_QUEUES", "a b", "'a b' is no queue"),
    ],
)
def test_a_bad_variable_is_one_message(
    variable: str, value: str, expected: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    code, said = run("shop:app")
    assert code == 2
    assert expected in said
    assert "Traceback" not in said


@pytest.mark.parametrize("url", ["nonsense", "http://localhost", "redis://:secret@localhost:port/0"])
def test_a_url_that_is_none_is_one_message_without_the_password(url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(MODULE.replace("redis://127.0.0.1:1/0", url), "utf-8")
    code, said = run("odd:app")
    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith("ConfigError: redis.url is ")
    assert "secret" not in said


def test_a_redis_that_is_not_there_is_one_message_without_the_password(run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(MODULE.replace("127.0.0.1", ":secret@127.0.0.1"), "utf-8")
    code, said = run("odd:app", "--log-level", "critical")
    assert code == 2
    assert said.count("\n") == 1
    assert said.startswith("RedisUnavailable: ")
    assert "secret" not in said


def test_a_module_that_raises_keeps_its_traceback(desk: Desk) -> None:
    desk.write("def paint() -> None:\n    raise KeyError('colour')\n\n\npaint()\n")
    worker = desk.offsider("worker", "jobs:app")
    assert worker.end() == 1
    assert 'jobs.py"' in worker.log
    assert "in paint" in worker.log
    assert worker.log.splitlines()[-1] == "KeyError: 'colour'"


# -- the process ---------------------------------------------------------------------------------------------------


def test_the_exit_code_is_what_the_process_runner_returns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Worker] = []

    def instead(worker: Worker) -> int:
        made.append(worker)
        return 42

    monkeypatch.setattr(signals, "run", instead)
    assert run("shop:app", "-c", "2", "-t", "7", "-q", "a:1")[0] == 42
    assert made[0].settings.worker.shutdown_timeout_s == 7.0
    assert made[0].capsules["default"].concurrency == 2


OWNER = """
import sys
from offsider.store.embedded import ensure
print(ensure(sys.argv[1]).started, flush=True)
sys.stdin.read()
"""


def test_a_worker_goes_on_when_the_process_that_started_its_embedded_server_is_killed(
    desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "True\n"
        desk.write(JOBS)
        del desk.environment["OFFSIDER_REDIS_URL"]
        worker = desk.worker(OFFSIDER_REDIS_DATA_DIR=str(folder))
        app = App(editions=[], redis={"data_dir": str(folder)})
        stub(app, "hold")("wall")
        desk.hears("begin wall")
        app.close()
        owner.kill()
        owner.wait()
    worker.logs("all is well again after")
    desk.touch("wall")
    desk.hears("done wall")
    stub(app, "paint")("door")
    desk.hears("paint door")
    worker.tell("TERM")
    assert worker.end() == 0
    assert desk.said == ["begin wall", "done wall", "paint door"], "nothing ran twice"
    app.close()

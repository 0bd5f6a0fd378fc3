"""Ruby's own Sidekiq beside our worker: its API sees and steers us, and jobs go both ways. Skipped without Ruby."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App, Retry
from offsider.worker.worker import Worker
from support.waiting import until

Make = Callable[..., App]
Start = Callable[..., Worker]
Ruby = Callable[[str], Any]
HERE = Path(__file__).parent


def sidekiq_version() -> tuple[int, ...]:
    """The version that Ruby has; empty where there is none."""
    ruby = shutil.which("ruby")
    if ruby is None:
        return ()
    look = [ruby, "-e", "require 'sidekiq/version'; print Sidekiq::VERSION"]
    found = subprocess.run(look, capture_output=True, text=True)
    return tuple(map(int, found.stdout.split("."))) if found.returncode == 0 else ()


VERSION = sidekiq_version()
pytestmark = pytest.mark.skipif(not VERSION, reason="no Ruby with the gem sidekiq: apt-get install ruby-sidekiq")
before_its_own_work_key = pytest.mark.skipif(
    VERSION < (6, 5), reason="up to 6.4 it looks for <identity>:workers, since 6.5 for <identity>:work"
)


@pytest.fixture
def app(make_app: Make) -> App:
    """An app in Sidekiq's layout."""
    return make_app(namespace="", worker={"tag": "shop", "labels": ["reliable"], "concurrency": 7})


@pytest.fixture
def ruby(redis_url: str) -> Iterator[Ruby]:
    """Evaluates one line of Ruby in a process that has Sidekiq's API."""
    process = subprocess.Popen(
        ["ruby", str(HERE / "ruby_side.rb")],
        env={**os.environ, "REDIS_URL": redis_url, "LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(code: str) -> Any:
        process.stdin.write(code + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        answer = json.loads(process.stdout.readline())  # type: ignore[union-attr]
        if "error" in answer:
            raise AssertionError(f"{code}: {answer['error']}")
        return answer["value"]

    yield ask
    process.communicate()


def test_our_process_is_in_its_list(app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis) -> None:
    worker = start_worker(app)
    until(lambda: raw.exists(worker.identity))
    fields = "[p.identity, p.tag, p.labels, p['hostname'], p['pid'], p['concurrency'], p['busy'], p['queues']]"
    (listed,) = ruby(f"Sidekiq::ProcessSet.new.map {{ |p| {fields} }}")
    host = worker.identity_record.hostname
    assert listed == [worker.identity, "shop", ["reliable"], host, os.getpid(), 7, 0, ["default"]]
    assert ruby("Sidekiq::ProcessSet.new.first.stopping?") is False
    worker.stop()
    assert ruby("Sidekiq::ProcessSet.new.size") == 0


def test_its_buttons_quiet_and_stop_us(app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis) -> None:
    worker = start_worker(app)
    until(lambda: raw.exists(worker.identity))
    ruby("Sidekiq::ProcessSet.new.first.quiet!; nil")
    until(lambda: ruby("Sidekiq::ProcessSet.new.first.stopping?"))
    ruby("Sidekiq::ProcessSet.new.first.stop!; nil")
    until(lambda: not raw.exists(worker.identity))


def test_jobs_that_it_pushes_run_now_in_bulk_and_later(
    app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis
) -> None:
    ran: list[Any] = []

    @app.job(name="HardJob")
    def hard(*args: Any) -> None:
        ran.append(list(args))

    start_worker(app)
    ruby("Sidekiq::Client.push('class' => 'HardJob', 'args' => ['bøb', 1.5, nil, {'a' => [true]}])")
    ruby("Sidekiq::Client.push_bulk('class' => 'HardJob', 'args' => [[1], [2]])")
    ruby("Sidekiq::Client.push('class' => 'HardJob', 'args' => ['later'], 'at' => Time.now.to_f + 0.2)")
    until(lambda: len(ran) == 4)
    assert sorted(ran, key=str) == [["bøb", 1.5, None, {"a": [True]}], ["later"], [1], [2]]
    until(lambda: ruby("Sidekiq::Stats.new.processed") == 4)
    assert ruby("s = Sidekiq::Stats.new; [s.failed, s.enqueued, s.queues, s.processes_size]") == [
        0,
        0,
        {"default": 0},
        1,
    ]


def test_our_queue_is_readable_and_its_entries_can_be_deleted(app: App, ruby: Ruby) -> None:
    @app.job(name="HardJob", queue="critical", tags=["x"])
    def hard(name: str, count: int) -> None:
        """Waits."""

    jids = [hard.enqueue("ä", n) for n in range(3)]
    assert ruby("Sidekiq::Queue.all.map(&:name)") == ["critical"]
    listed = ruby("Sidekiq::Queue.new('critical').map { |j| [j.jid, j.klass, j.args, j.queue, j.tags] }")
    assert listed == [[jids[n], "HardJob", ["ä", n], "critical", ["x"]] for n in (2, 1, 0)]
    ruby(f"Sidekiq::Queue.new('critical').find_job('{jids[1]}').delete")
    assert ruby("Sidekiq::Queue.new('critical').map(&:jid)") == [jids[2], jids[0]]


def test_a_failure_is_shown_with_its_lines_and_can_be_retried_and_killed(
    app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis
) -> None:
    attempts = threading.Semaphore(0)

    @app.job(name="HardJob", backtrace=True, retry=Retry(delay=3600))
    def hard(name: str) -> None:
        attempts.release()
        raise ValueError("bøom")

    start_worker(app)
    jid = hard.enqueue("ä")
    until(lambda: raw.zcard("retry") == 1)
    entry = "Sidekiq::RetrySet.new.first"
    shown = ruby(
        f"e = {entry}; [e.jid, e.klass, e.args, e.queue, e['error_class'], e['error_message'], e['retry_count']]"
    )
    assert shown == [jid, "HardJob", ["ä"], "default", "ValueError", "bøom", 0]
    assert any("in hard" in line for line in ruby(f"{entry}.error_backtrace"))
    assert 3590 < ruby(f"{entry}.score - Time.now.to_f") < 3660
    ruby(f"{entry}.retry")
    assert attempts.acquire(timeout=10)
    assert attempts.acquire(timeout=10)
    until(lambda: raw.zcard("retry") == 1)
    assert ruby(f"{entry}['retry_count']") == 0, "its button uses no attempt"
    ruby(f"{entry}.kill")
    assert ruby("[Sidekiq::RetrySet.new.size, Sidekiq::DeadSet.new.size]") == [0, 1]


def test_our_dead_can_be_run_again(app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis) -> None:
    ran = threading.Event()

    @app.job(name="HardJob", retry=0)
    def hard(fails: bool) -> None:
        if not raw.exists("mended"):
            raise ValueError("no")
        ran.set()

    start_worker(app)
    jid = hard.enqueue(True)
    until(lambda: raw.zcard("dead") == 1)
    assert ruby("e = Sidekiq::DeadSet.new.first; [e.jid, e.klass, e['error_class'], e['retry_count']]") == [
        *(jid, "HardJob", "ValueError", 0)
    ]
    raw.set("mended", 1)
    ruby("Sidekiq::DeadSet.new.first.retry")
    assert ran.wait(10)


VALUES: list[Any] = [
    *([], {}, "", 'ä/é\u2028\x7f\x00\x1f"\\\n', None, True, False),
    *(0, -1, 2**63, 10**30, 0.1, -0.0, 1.5, 1e-5, 123456.789, 1e14, 1e15, 1e16, 1.5e300, 1e-300, 2.5e-10),
    {"ключ": [1, {"b": [None]}], "": 1},
]


def test_it_writes_our_bytes_again_so_that_it_can_change_an_entry_in_place(
    app: App, ruby: Ruby, raw: redis.Redis
) -> None:
    @app.job(name="HardJob")
    def hard(value: Any) -> None:
        """Later."""

    for value in VALUES:
        hard.using(delay=3600).enqueue(value)
    members = [member.decode() for member in raw.zrange("schedule", 0, -1)]
    again = ruby("Sidekiq.redis { |c| c.zrange('schedule', 0, -1) }.map { |m| JSON.generate(JSON.parse(m)) }")
    assert again == members
    ruby("Sidekiq::ScheduledSet.new.to_a.each { |e| e.reschedule(Time.now.to_f + 7200) }; nil")
    assert raw.zcard("schedule") == len(VALUES), "nothing was doubled"
    assert ruby("Sidekiq::ScheduledSet.new.all? { |e| e.score > Time.now.to_f + 7000 }")


@before_its_own_work_key
def test_what_we_run_is_in_its_list(app: App, start_worker: Start, ruby: Ruby, raw: redis.Redis) -> None:
    go_on = threading.Event()

    @app.job(name="HardJob")
    def hard() -> None:
        go_on.wait(20)

    worker = start_worker(app)
    hard.enqueue()
    until(lambda: ruby("Sidekiq::Workers.new.size") == 1)
    ((identity, work),) = ruby("Sidekiq::Workers.new.map { |id, _thread, work| [id, work['queue']] }")
    assert (identity, work) == (worker.identity, "default")
    go_on.set()


def test_how_many_we_run_is_known(app: App, start_worker: Start, ruby: Ruby) -> None:
    go_on = threading.Event()

    @app.job(name="HardJob")
    def hard() -> None:
        go_on.wait(20)

    start_worker(app)
    hard.enqueue_many([()] * 3)
    until(lambda: ruby("Sidekiq::Stats.new.workers_size") == 3)
    go_on.set()


HARD_JOB = """
class HardJob
  include Sidekiq::Worker
  def perform(name, count)
    raise "boom" if count > 1
    Sidekiq.redis { |c| c.rpush("ran", "#{name} #{count} #{jid}") }
  end
end
"""


def test_its_worker_runs_our_jobs_and_ours_goes_on_with_its_retries(
    app: App, start_worker: Start, raw: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    if shutil.which("sidekiq") is None:
        pytest.skip("the gem has no command on PATH")

    @app.job(name="HardJob")
    def hard(name: str, count: int) -> None:
        raw.rpush("ran", f"ours {name} {count}")

    (tmp_path / "hard_job.rb").write_text(HARD_JOB, "utf-8")
    process = subprocess.Popen(
        ["sidekiq", "-r", str(tmp_path / "hard_job.rb"), "-c", "1"],
        env={**os.environ, "REDIS_URL": redis_url, "LANG": "C.UTF-8"},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        jid = hard.enqueue("ä", 1)
        failing = hard.using(tags=["x"]).enqueue("ö", 2)
        until(lambda: raw.zcard("retry") == 1, 30, "its worker has run both")
        assert raw.lrange("ran", 0, -1) == [f"ä 1 {jid}".encode()]
    finally:
        process.terminate()
        process.wait(20)
    (member,) = raw.zrange("retry", 0, -1)
    assert json.loads(member)["jid"] == failing
    raw.zadd("retry", {member: 1}, xx=True)
    start_worker(app)
    until(lambda: raw.llen("ran") == 2)
    assert raw.lindex("ran", 1) == "ours ö 2".encode()

"""The doctor looks at a real server, its keys, its workers and the settings; and says what it may not see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import redis

from offsider import App
from offsider.api.doctor import Diagnosis, doctor, settings
from offsider.contract.edition import Edition
from offsider.contract.findings import OK, Finding
from offsider.errors import SeamClosed
from offsider.worker.worker import Worker
from support.server import Server
from support.waiting import until


def found(diagnosis: Diagnosis, name: str) -> Finding:
    (one,) = [finding for finding in diagnosis.findings if finding.name == name]
    return one


def levels(diagnosis: Diagnosis) -> dict[str, str]:
    return {one.name: one.level for one in diagnosis.findings}


# -- the server --------------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_good_server_without_jobs_is_fine(make_server: Callable[..., Server], make_app: Callable[..., App]) -> None:
    diagnosis = doctor(make_app(make_server("--appendonly", "yes").url))
    assert levels(diagnosis) == dict.fromkeys(
        ("version", "persistence", "eviction", "memory", "replication", "clock", "latency", "keys", "workers",
         "leases", "quarantine"), "ok"
    )  # fmt: skip
    assert diagnosis.level == OK
    assert not [one for one in diagnosis.findings if one.expected or one.advice]


def test_a_dangerous_server_is_told_with_the_remedy(
    make_server: Callable[..., Server], make_app: Callable[..., App]
) -> None:
    diagnosis = doctor(make_app(make_server("--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb").url))
    assert (levels(diagnosis)["eviction"], levels(diagnosis)["persistence"]) == ("problem", "problem")
    assert "Set maxmemory-policy noeviction" in found(diagnosis, "eviction").advice
    assert "of maxmemory (1,074 MB)" in found(diagnosis, "memory").value
    assert diagnosis.level == "problem"


def test_a_replica_is_no_place_for_jobs(make_server: Callable[..., Server], make_app: Callable[..., App]) -> None:
    master = make_server()
    replica = make_server("--replicaof", "127.0.0.1", str(master.port))
    assert found(doctor(make_app(replica.url)), "replication").level == "problem"


def test_what_is_refused_is_unknown(make_server: Callable[..., Server], make_app: Callable[..., App]) -> None:
    server = make_server("--appendonly", "yes")
    client = server.client()
    client.execute_command("ACL", "SETUSER", "small", "on", ">x", "~*", "&*", "+@all", "-info", "-config")
    client.close()
    told = levels(doctor(make_app(f"redis://small:x@127.0.0.1:{server.port}/0")))
    assert {name for name, level in told.items() if level == "unknown"} == {
        "version", "persistence", "eviction", "memory", "replication",
    }  # fmt: skip
    assert told["latency"] == told["keys"] == "ok"


@pytest.mark.alone
def test_a_server_that_is_away_is_a_finding(make_app: Callable[..., App]) -> None:
    diagnosis = doctor(make_app("redis://:secret@127.0.0.1:1/0"))
    (one,) = diagnosis.findings
    assert (one.name, one.level) == ("redis", "problem")
    assert "redis://:***@127.0.0.1:1/0 does not answer" in one.value
    assert diagnosis.settings, "they say whose URL it is"


# -- what lies in it ---------------------------------------------------------------------------------------------


def test_keys_of_nobody_are_named(app: App, raw: redis.Redis) -> None:
    for number in range(7):
        raw.set(f"{{offsider}}:strange:{number}", 1)
    raw.set("other", 1)
    one = found(doctor(app), "keys")
    assert one.level == "warning"
    assert one.value.startswith("7 of 7 keys under '{offsider}:' are nobody's: '{offsider}:strange:0', ")
    assert one.value.endswith("…")


def test_quarantine_and_overdue_leases_are_told(app: App, raw: redis.Redis) -> None:
    raw.zadd("{offsider}:quarantine", {b"{}\nx": 1})
    raw.zadd("{offsider}:owners", {"gone": 1})
    told = levels(doctor(app))
    assert (told["quarantine"], told["leases"]) == ("warning", "warning")


def test_a_key_of_a_wrong_type_does_not_end_it(app: App, raw: redis.Redis) -> None:
    raw.set("{offsider}:owners", 1)
    diagnosis = doctor(app)
    one = found(diagnosis, "leases")
    assert one.level == "unknown"
    assert "the check of core failed with" in one.value
    assert found(diagnosis, "quarantine").level == OK


# -- workers -----------------------------------------------------------------------------------------------------


def test_jobs_without_any_worker_are_told(app: App) -> None:
    app.job(name="job", queue="mail")(lambda: None).enqueue()
    one = found(doctor(app), "workers")
    assert (one.level, one.value) == ("warning", "no worker lives, 1 jobs wait")


def test_a_queue_that_nobody_takes_is_a_problem(
    app: App, raw: redis.Redis, start_worker: Callable[..., Worker]
) -> None:
    app.job(name="job", queue="mail")(lambda: None).enqueue()
    worker = start_worker(app, queues=["other"])
    until(lambda: len(app.processes) == 1)
    diagnosis = doctor(app)
    assert (found(diagnosis, "workers").level, found(diagnosis, "versions").level) == (OK, OK)
    one = found(diagnosis, "queues")
    assert (one.level, one.value) == ("problem", "nobody takes the jobs of 1 queues: 'mail' (1)")
    raw.sadd(app.keys.queues, "of ruby", *(f"empty{k}" for k in range(50)))
    raw.lpush(app.keys.queue("of ruby"), "x")
    raw.config_resetstat()
    one = found(doctor(app), "queues")
    assert one.value == "nobody takes the jobs of 2 queues: 'mail' (1), 'of ruby' (1)"
    assert raw.info("commandstats")["cmdstat_llen"]["calls"] < 2 * 52, "each queue is asked once"
    worker.quiet()
    until(lambda: all(process.quiet for process in app.processes))
    assert found(doctor(app), "workers").level == "warning"


def test_workers_of_several_versions_are_told(app: App, raw: redis.Redis) -> None:
    for number, version in enumerate(("offsider 1.2.0", "offsider 1.10.0", "7.3.0")):
        name = f"vm:{number}:0123456789ab"
        raw.sadd("{offsider}:processes", name)
        raw.hset(f"{{offsider}}:{name}", mapping={"info": json.dumps({"version": version, "queues": ["a"]}), "busy": 0})
    one = found(doctor(app), "versions")
    assert (one.level, one.value) == ("warning", "the live workers are of 2 versions: offsider 1.10.0, offsider 1.2.0")


# -- settings ----------------------------------------------------------------------------------------------------


def test_settings_tell_their_source_and_no_secret(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "offsider.toml").write_text("[worker]\nconcurrency = 3\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFSIDER_WORKER_TAG", "shop")
    told = {one.key: (one.value, one.source) for one in settings(make_app("redis://:secret@localhost/0"))}
    assert told["redis.url"] == ("redis://:***@localhost/0", "keyword")
    assert told["worker.concurrency"] == (3, "offsider.toml")
    assert told["worker.tag"] == ("shop", "environment (OFFSIDER_WORKER_TAG)")
    assert told["jobs.retry"] == (25, "default")


# -- editions ----------------------------------------------------------------------------------------------------


class Acme(Edition):
    name = "acme"
    contract = 1

    def install(self, app: App) -> None:
        app.checks.add(
            "acme.good", lambda app, facts: [Finding("acme", OK, f"all is well on {facts.product}")], by="acme"
        )
        app.checks.add("acme.bad", self.bad, by="acme")

    def bad(self, app: Any, facts: Any) -> Iterable[Finding]:
        raise ZeroDivisionError("no tenants")


def test_an_edition_adds_checks_and_one_that_fails_is_unknown(make_app: Callable[..., App]) -> None:
    app = make_app(editions=[Acme()])
    diagnosis = doctor(app)
    assert found(diagnosis, "acme").level == OK
    failed = found(diagnosis, "acme.bad")
    assert failed.level == "unknown"
    assert failed.value == "the check of acme failed with ZeroDivisionError: no tenants"
    with pytest.raises(SeamClosed):
        app.checks.add("late", lambda _app, _facts: [], by="somebody")


def test_all_of_it_is_json(app: App) -> None:
    told = json.loads(json.dumps(doctor(app).to_dict()))
    assert told["level"] in ("ok", "warning", "problem")
    assert {one["name"] for one in told["findings"]} >= {"version", "workers"}
    assert {one["key"] for one in told["settings"]} >= {"redis.url", "namespace"}


def test_a_check_that_does_not_ask_the_server_is_asked_when_that_is_away(make_app: Callable[..., App]) -> None:
    class Disk:
        """Looks at this machine."""

        offline = True

        def __call__(self, _app: Any, facts: Any) -> list[Finding]:
            return [Finding("disk", OK, f"facts: {facts}")]

    class Looks(Edition):
        name = "looks"

        def install(self, app: App) -> None:
            app.checks.add("disk", Disk(), by=self.name)
            app.checks.add("other", lambda *_: [Finding("other", OK, "asked")], by=self.name)

    app = make_app("redis://127.0.0.1:1/0", editions=[Looks()])
    assert [(one.name, one.value) for one in doctor(app).findings[1:]] == [("disk", "facts: None")]

"""The gate of Pro: a bad licence stops the start and nothing else; what is said of a good one, and how often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from offsider import App
from offsider.cli.main import Cli
from offsider.errors import EditionError
from offsider.worker.worker import Worker
from offsider_licensing import LicenseExpired, LicenseForged, LicenseForOther, LicenseMissing
from offsider_pro import ProEdition
from offsider_pro.errors import LicenseRefused
from offsider_pro.license import LicenseGate, Notices
from offsider_pro.license_watch import LicenseWatch
from support.signer import DAY_S, NOW_S, Signer
from support.waiting import until

EnterpriseEdition = pytest.importorskip("offsider_enterprise").EnterpriseEdition

Make = Callable[..., App]
Start = Callable[..., Worker]
SIGNER = Signer()


class Clock(SimpleNamespace):
    """A clock that the test sets."""

    now_s: float = float(NOW_S)

    def time(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Our keys, our clock, and nothing said before."""
    one = Clock()
    monkeypatch.setattr("offsider_licensing.public_keys.KEYS", SIGNER.keys)
    monkeypatch.setattr("offsider_licensing.gate.time", one)
    monkeypatch.setattr("offsider_pro.license.time", one)
    monkeypatch.setattr("offsider_pro.license.NOTICES", Notices())
    return one


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of what our loggers have said of licences."""
    return [(one.levelname, one.getMessage()) for one in caplog.records if "licence" in one.getMessage()]


@pytest.mark.parametrize(
    ("license", "cause"),
    [
        ("/nowhere/offsider.license", LicenseMissing),
        (Signer().token(), LicenseForged),
        (SIGNER.token(aud=["other"]), LicenseForOther),
        (SIGNER.token(iat=0, exp=NOW_S - 40 * DAY_S), LicenseExpired),
    ],
    ids=["missing", "forged", "for another", "expired"],
)
def test_a_licence_that_does_not_hold_stops_the_start(
    license: str, cause: type[Exception], make_app: Make, raw: redis.Redis
) -> None:
    with pytest.raises(LicenseRefused, match="the edition 'pro' does not start: ") as refused:
        make_app(editions=[ProEdition(license)])
    assert isinstance(refused.value, EditionError)
    assert type(refused.value.refusal) is cause
    assert str(refused.value).isprintable()
    assert raw.keys("*") == []


@pytest.mark.parametrize("edition", [ProEdition, EnterpriseEdition])
def test_the_licence_is_the_first_thing_that_install_asks_for(edition: type[ProEdition]) -> None:
    untouched: Any = object()  # whatever else install did with it would be an AttributeError
    with pytest.raises(LicenseRefused):
        edition("/nowhere").install(untouched)


def test_neither_the_edition_nor_its_commands_ask_for_it_before_an_app_does() -> None:
    ProEdition("/nowhere").install_cli(Cli())


def test_the_edition_says_whose_licence_it_has(make_app: Make) -> None:
    edition = ProEdition(SIGNER.token())
    make_app(editions=[edition])
    assert edition.gate.license is not None
    assert (edition.gate.license.customer, edition.gate.license.evaluation) == ("Acme Pty Ltd", False)
    standing = edition.gate.standing()
    assert standing is not None
    assert (standing.state, standing.days_left) == ("valid", 100)


def test_nothing_is_said_of_a_licence_that_has_long_to_go(make_app: Make, caplog: pytest.LogCaptureFixture) -> None:
    make_app(editions=[ProEdition(SIGNER.token())])
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("exp", "level", "words"),
    [
        (NOW_S + 5 * DAY_S, "WARNING", "in 5 days"),
        (NOW_S - 5 * DAY_S, "ERROR", "in 25 days new processes will refuse to start"),
    ],
    ids=["ending", "grace"],
)
def test_what_is_near_its_end_is_said_once_a_day_however_many_ask(
    exp: int, level: str, words: str, clock: Clock, make_app: Make, caplog: pytest.LogCaptureFixture
) -> None:
    editions = [ProEdition(SIGNER.token(exp=exp)), EnterpriseEdition(SIGNER.token(exp=exp))]
    make_app(editions=editions)
    make_app(editions=[ProEdition(SIGNER.token(exp=exp))])
    watch = LicenseWatch(editions[0].gate)
    watch.tick()
    assert [one for one, text in said(caplog) if words in text] == [level]
    clock.now_s += DAY_S
    for _ in range(3):
        assert watch.tick() <= 3_600
        LicenseWatch(editions[1].gate).tick()
    assert len(said(caplog)) == 2


def test_a_version_that_was_built_before_the_end_works_for_ever(
    make_app: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = SIGNER.token(iat=0, exp=NOW_S - 900 * DAY_S)
    with pytest.raises(LicenseRefused):
        make_app(editions=[ProEdition(ended)])
    monkeypatch.setattr("offsider_pro.license.stamp", {"offsider_pro": "2024-07-01"}.__getitem__)
    edition = ProEdition(ended)
    make_app(editions=[edition])
    standing = edition.gate.standing()
    assert standing is not None
    assert standing.state == "fallback"
    assert "works for ever" in said(caplog)[0][1]


def test_the_evaluation_licence_is_said_once_a_start(
    clock: Clock, make_app: Make, caplog: pytest.LogCaptureFixture
) -> None:
    editions = [ProEdition("evaluation"), EnterpriseEdition("evaluation")]
    make_app(editions=editions)
    clock.now_s += 10 * DAY_S
    LicenseWatch(editions[0].gate).tick()
    assert [level for level, text in said(caplog) if "not for production" in text] == ["WARNING"]


def test_a_command_says_it_when_its_log_is_there(
    make_app: Make, start_worker: Start, caplog: pytest.LogCaptureFixture
) -> None:
    ProEdition().install_cli(Cli())
    app = make_app(editions=[ProEdition("evaluation")])
    assert said(caplog) == []
    start_worker(app)
    until(lambda: len(said(caplog)) == 1)


def test_a_web_process_says_it_when_its_log_is_there(make_app: Make, caplog: pytest.LogCaptureFixture) -> None:
    ProEdition().install_cli(Cli())
    app = make_app(editions=[ProEdition("evaluation")])
    assert said(caplog) == []
    app.web()
    assert len(said(caplog)) == 1


def test_editions_that_share_a_licence_share_its_watch(make_app: Make) -> None:
    shared = Worker(make_app(editions=[ProEdition(SIGNER.token()), EnterpriseEdition(SIGNER.token())]))
    own = Worker(make_app(editions=[ProEdition("evaluation"), EnterpriseEdition(SIGNER.token())]))
    assert [sum(isinstance(one, LicenseWatch) for _name, one in each.services.items()) for each in (shared, own)] == [
        1,
        2,
    ]


def test_the_heartbeat_has_the_days_that_are_left(make_app: Make, start_worker: Start, raw: redis.Redis) -> None:
    worker = start_worker(make_app(editions=[ProEdition(SIGNER.token()), EnterpriseEdition(SIGNER.token())]))
    key = f"{{offsider}}:{worker.identity}"
    until(lambda: raw.hget(key, "license_days_left") == b"100")
    assert raw.hmget(key, "license", "license_threads") == [b"valid", b"100"]


def test_the_heartbeat_of_the_evaluation_licence_says_so_and_has_no_days(
    make_app: Make, start_worker: Start, raw: redis.Redis
) -> None:
    worker = start_worker(make_app(editions=[ProEdition("evaluation")]))
    key = f"{{offsider}}:{worker.identity}"
    until(lambda: raw.hget(key, "license") == b"evaluation")
    assert raw.hexists(key, "license_days_left") == 0


def test_a_process_that_runs_is_never_stopped_however_long_ago_the_licence_ended(
    clock: Clock, make_app: Make, start_worker: Start, raw: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    edition = ProEdition(SIGNER.token(exp=NOW_S + DAY_S))
    app = make_app(editions=[edition])
    ran = threading.Event()
    job = app.job(name="work")(ran.set)
    worker = start_worker(app)
    clock.now_s += 5_000 * DAY_S
    job.enqueue()
    assert ran.wait(10)
    key = f"{{offsider}}:{worker.identity}"
    until(lambda: raw.hget(key, "license") == b"expired")
    edition.gate.tell()
    assert said(caplog)[-1][0] == "ERROR"
    assert "This process goes on; new ones refuse to start" in said(caplog)[-1][1]
    with pytest.raises(LicenseRefused):
        make_app(editions=[ProEdition(SIGNER.token(exp=NOW_S + DAY_S))])


def test_a_gate_that_was_not_asked_yet_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    gate = LicenseGate("pro", "evaluation")
    gate.tell()
    assert (gate.standing(), said(caplog)) == (None, [])


def test_jobs_of_a_process_that_was_refused_are_where_they_were(make_app: Make, raw: redis.Redis) -> None:
    """A licence neither loses nor hides a job: the free edition, or the next good licence, runs them."""

    def work() -> None:
        """Not run here."""

    jid = make_app(editions=[ProEdition("evaluation")]).job(name="work")(work).enqueue()
    before = raw.lrange("{offsider}:queue:default", 0, -1)
    with pytest.raises(LicenseRefused):
        make_app(editions=[ProEdition("/nowhere")])
    assert raw.lrange("{offsider}:queue:default", 0, -1) == before
    assert str(jid).encode() in before[0]


def test_a_log_of_lines_is_told_at_the_level_that_fits(make_app: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="offsider"):
        make_app(editions=[ProEdition("evaluation")])
    assert said(caplog) == []

"""``offsider license``: for people and programs, with a good licence, a bad one and none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from click.testing import CliRunner, Result

from offsider import App
from offsider.worker.worker import Worker
from offsider_pro.cli.license import license_group
from support.signer import DAY_S, NOW_S, Signer
from support.waiting import until

SIGNER = Signer()
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in an empty folder of a user without any licence, at a moment of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("offsider_licensing.places.NAME", "offsider-test.license")  # /etc may have a real one
    monkeypatch.setattr("offsider_licensing.public_keys.KEYS", SIGNER.keys)
    monkeypatch.setattr("offsider_pro.cli.license.time", SimpleNamespace(time=lambda: NOW_S))

    def invoke(*words: str, **environment: str) -> Result:
        return CliRunner().invoke(license_group, words, env=environment)

    return invoke


def test_show_says_all_there_is(run: Run) -> None:
    shown = run("show", OFFSIDER_LICENSE=SIGNER.file())
    assert shown.exit_code == 0
    assert shown.output == (
        "tier        enterprise\n"
        "customer    Acme Pty Ltd\n"
        "licence     lic_abcdefghij234567\n"
        "threads     100\n"
        "ends        2027-04-25\n"
        "state       valid, 100 days left\n"
        "index user  key_abcdefghij234567\n"
        "found       OFFSIDER_LICENSE\n"
    )


def test_show_for_programs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "offsider-test.license").write_text(SIGNER.file(aud=["pro"], limits={"threads": None}), "utf-8")
    shown = run("show", "--json")
    assert json.loads(shown.output) == {
        "tier": "pro",
        "editions": ["pro"],
        "customer": "Acme Pty Ltd",
        "id": "lic_abcdefghij234567",
        "threads": None,
        "expires": "2027-04-25",
        "days_left": 100,
        "grace_left": None,
        "state": "valid",
        "says": "valid, 100 days left",
        "key_id": "key_abcdefghij234567",
        "found": f"{tmp_path}/offsider-test.license",
    }


@pytest.mark.parametrize(
    ("license", "code", "state", "error"),
    [
        ("", 2, "missing", "LicenseMissing"),
        ("/etc/hostname", 2, "refused", "LicenseUnreadable"),
        ("a.b.c", 1, "refused", "LicenseMalformed"),
        (Signer().file(), 1, "refused", "LicenseForged"),
    ],
    ids=["none", "a path", "damaged", "forged"],
)
def test_show_works_without_a_good_licence_and_never_shows_it(
    license: str, code: int, state: str, error: str, run: Run
) -> None:
    shown = run("show", "--json", OFFSIDER_LICENSE=license)
    facts = json.loads(shown.output)
    assert (shown.exit_code, facts["state"], facts["error"]) == (code, state, error)
    assert facts["looked"][1]["place"] == "OFFSIDER_LICENSE"
    plain = run("show", OFFSIDER_LICENSE=license)
    assert plain.exit_code == code
    assert plain.output.startswith(f"{error}: ")
    assert facts["remedy"] in plain.output
    assert not [line for line in license.splitlines() if len(line) == 64 and line in plain.output + shown.output]


@pytest.mark.parametrize(
    ("claims", "code", "state"),
    [
        ({"exp": NOW_S + 2 * DAY_S}, 0, "ending"),
        ({"exp": NOW_S - 2 * DAY_S}, 0, "grace"),
        ({"iat": 0, "exp": NOW_S - 60 * DAY_S}, 1, "expired"),
        ({"iat": NOW_S + 5 * DAY_S}, 1, "early"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_code_says_whether_a_process_could_start(claims: dict[str, int], code: int, state: str, run: Run) -> None:
    shown = run("show", "--json", OFFSIDER_LICENSE=SIGNER.token(**claims))
    assert (shown.exit_code, json.loads(shown.output)["state"]) == (code, state)
    assert run("verify", OFFSIDER_LICENSE=SIGNER.token(**claims)).exit_code == code


@pytest.mark.parametrize("in_use", [100, 101])
def test_show_says_when_more_threads_run_than_the_licence_has(
    in_use: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offsider_pro.threads.count_threads", lambda *_: in_use)
    shown = run("show", "--url", "redis://127.0.0.1:1", OFFSIDER_LICENSE=SIGNER.file())
    more = ": lower the concurrency or extend the licence" if in_use > 100 else ""
    assert f"threads     100, {in_use} in use{more}\n" in shown.output
    assert shown.exit_code == 0


def test_the_last_built_of_the_installed_editions_counts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = SIGNER.token(iat=0, exp=NOW_S - 60 * DAY_S)
    stamps = {"offsider_pro": "2026-01-01", "offsider_enterprise": "2027-01-10"}
    monkeypatch.setattr("offsider_pro.cli.license.stamp", stamps.__getitem__)
    monkeypatch.setattr("offsider_pro.cli.license.find_spec", lambda name: True)
    assert json.loads(run("show", "--json", OFFSIDER_LICENSE=ended).output)["state"] == "expired"
    monkeypatch.setattr("offsider_pro.cli.license.find_spec", lambda name: None if "enterprise" in name else True)
    assert json.loads(run("show", "--json", OFFSIDER_LICENSE=ended).output)["state"] == "fallback"


def test_the_evaluation_licence_is_marked(run: Run) -> None:
    shown = run("show", OFFSIDER_LICENSE="evaluation")
    assert shown.exit_code == 0
    assert "state       evaluation licence: not for production\n" in shown.output
    assert "ends        never\n" in shown.output


def test_verify_takes_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.license").write_text(SIGNER.file(), "utf-8")
    good = run("verify", "new.license")
    assert good.exit_code == 0
    assert good.output.startswith("lic_abcdefghij234567  Acme Pty Ltd  enterprise, pro  valid, 100 days left")
    gone = run("verify", "gone.license")
    assert gone.exit_code == 2
    assert "gone.license is not there" in gone.output


def test_verify_can_ask_for_an_edition(run: Run) -> None:
    token = SIGNER.token(aud=["pro"])
    assert run("verify", "--edition", "pro", OFFSIDER_LICENSE=token).exit_code == 0
    refused = run("verify", "-e", "enterprise", OFFSIDER_LICENSE=token)
    assert refused.exit_code == 1
    assert "not for enterprise" in refused.output


def test_show_counts_the_threads_that_work(
    run: Run, app: App, start_worker: Callable[..., Worker], redis_url: str, raw: object
) -> None:
    worker = start_worker(app, concurrency=7)
    token = SIGNER.token()

    def counted() -> bool:
        shown = run("show", "--url", redis_url, OFFSIDER_LICENSE=token)
        return shown.exit_code == 0 and "threads     100, 7 in use\n" in shown.output

    until(counted)
    worker.stop()
    facts = json.loads(run("show", "--json", OFFSIDER_LICENSE=token, OFFSIDER_REDIS_URL=redis_url).output)
    assert facts["threads_in_use"] == 0


@pytest.mark.parametrize("namespace", ["", "shop"])
def test_the_namespace_to_count_in_is_the_environments_even_an_empty_one(
    namespace: str, run: Run, redis_url: str, raw: redis.Redis
) -> None:
    prefix = f"{{{namespace}}}:" if namespace else ""
    raw.sadd(f"{prefix}processes", "a:1:x")
    raw.hset(f"{prefix}a:1:x", mapping={"concurrency": "4", "info": '{"version":"offsider 0.1.0"}'})
    shown = run("show", OFFSIDER_LICENSE="evaluation", OFFSIDER_REDIS_URL=redis_url, OFFSIDER_NAMESPACE=namespace)
    assert "threads     unlimited, 4 in use\n" in shown.output


def test_show_works_while_redis_is_away(run: Run) -> None:
    shown = run("show", "--url", "redis://127.0.0.1:1", OFFSIDER_LICENSE=SIGNER.token())
    assert shown.exit_code == 0
    assert "threads     100, in use: unknown (Redis is away" in shown.output


def test_a_url_that_is_none_is_said(run: Run) -> None:
    shown = run("show", "--json", "--url", "ftp://somewhere", OFFSIDER_LICENSE=SIGNER.token())
    assert shown.exit_code == 0
    assert "ftp://somewhere" in json.loads(shown.output)["threads_unknown"]

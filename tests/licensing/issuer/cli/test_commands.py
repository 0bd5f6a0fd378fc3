"""The command line: what each command makes, prints and refuses."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offsider_issuer.claims import token_of, unverified
from offsider_issuer.cli.main import group, main
from offsider_issuer.database import opened
from offsider_issuer.errors import FolderError, IssuerError, SigningKeyError, TermsError, UnknownLicense
from offsider_issuer.folder import Folder
from offsider_issuer.ledger import Ledger
from offsider_issuer.names import digest
from support.wheels import make_wheel

Run = Callable[..., Result]
KEY = re.compile(r"key_[a-z2-7]{16}:osk_[a-z2-7]{32}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder, with the vendor's folder beside."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("ISSUER_PASSPHRASE", raising=False)

    def run_one(*words: str, error: type[IssuerError] | None = None, **environment: str) -> Result:
        result = CliRunner().invoke(group, ["--folder", str(tmp_path / "vendor"), *words], env=environment)
        if error is None:
            assert result.exception is None, result.output
        else:
            assert isinstance(result.exception, error), result.exception or result.output
        return result

    return run_one


@pytest.fixture
def vendor_run(run: Run) -> Run:
    """The same, with a signing key."""
    run("keygen", "--kid", "2026-a")
    return run


def sell(run: Run, *words: str) -> dict[str, Any]:
    """Issue a licence; what is said of it."""
    words = words or ("--edition", "pro", "--for", "1y")
    return dict(json.loads(run("issue", "--customer", "Acme", *words, "--json").output))


def holder_of(tmp_path: Path, key_id: str) -> Any:
    with opened(Folder(tmp_path / "vendor").ledger) as connection:
        return Ledger(connection, lambda: 0.0).holder(key_id)


def test_keygen_prints_the_line_for_the_packages_and_never_the_private_key(run: Run, tmp_path: Path) -> None:
    result = run("keygen", "--kid", "2026-a")
    assert re.search(r'^    "2026-a": "[A-Za-z0-9+/]{43}=",$', result.output, re.MULTILINE)
    private = (tmp_path / "vendor/keys/2026-a.pem").read_text().splitlines()[1]
    assert private not in result.output
    assert "is not overwritten" in str(run("keygen", "--kid", "2026-a", error=FolderError).exception)
    made = json.loads(run("keygen", "--json").output)
    assert re.fullmatch(r"offsider-20\d\d-1", made["kid"])


def test_issue_writes_a_private_file_and_shows_a_key_whose_hash_is_kept(vendor_run: Run, tmp_path: Path) -> None:
    output = vendor_run("issue", "--customer", "Acme", "--edition", "pro", "--for", "1y", "--out", "a.license").output
    shown = KEY.search(output)
    assert shown is not None
    key_id, key = shown.group().split(":")
    assert holder_of(tmp_path, key_id).key_sha256 == digest(key)
    claims = unverified(token_of(Path("a.license").read_text()))
    assert (claims.sub, claims.aud, claims.key_id) == ("Acme", ["pro"], key_id)
    assert stat.S_IMODE(Path("a.license").stat().st_mode) == 0o600


def test_the_index_key_goes_into_a_file_when_it_is_not_to_be_seen(vendor_run: Run) -> None:
    output = vendor_run("issue", "--customer", "A", "--edition", "pro", "--for", "1y", "--key-file", "key").output
    assert not KEY.search(output)
    assert KEY.fullmatch(Path("key").read_text().strip())
    assert stat.S_IMODE(Path("key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--edition pro", "either --until YYYY-MM-DD or --for 1y"),
        ("--edition pro --for 1y --until 2030-01-01", "given twice"),
        ("--edition pro --for soon", "'soon'"),
        ("--edition pro --until 2020-01-01", "which is over"),
        ("--edition pro --threads 5 --for 1y", "only enterprise is sold by threads"),
        ("--edition enterprise --for 1y", "--threads unlimited"),
        ("--edition pro --for 1y --out there", "there already"),
        ("--edition pro --for 1y --key-file no/such/folder", "its folder is not"),
        ("--edition pro --for 1y --kid other", "no signing key"),
    ],
)
def test_issue_refuses_before_anything_is_written(vendor_run: Run, words: str, reason: str) -> None:
    Path("there").touch()
    result = vendor_run("issue", "--customer", "A", *words.split(), error=IssuerError)
    assert reason in str(result.exception)
    assert json.loads(vendor_run("list", "--json").output) == []
    assert [path.name for path in Path.cwd().iterdir()] == ["there"]


def test_threads_are_a_number_or_unlimited(vendor_run: Run) -> None:
    many = sell(vendor_run, "--edition", "enterprise", "--threads", "500", "--until", "2190-01-31")
    assert (many["threads"], many["ends"]) == (500, "2190-01-31")
    assert sell(vendor_run, "--edition", "enterprise", "--threads", "unlimited", "--for", "30d")["threads"] is None
    result = CliRunner().invoke(group, ["issue", "--customer", "A", "--edition", "enterprise", "--threads", "lots"])
    assert result.exit_code == 2
    assert "'lots': expected a number of threads, or unlimited" in result.output


def test_renew_counts_from_the_old_end_and_keeps_what_is_not_given(vendor_run: Run) -> None:
    old = sell(vendor_run, "--edition", "enterprise", "--threads", "100", "--until", "2190-01-31", "--grace-days", "7")
    new = json.loads(vendor_run("renew", old["license"], "--for", "1m", "--json").output)
    assert new["ends"] == "2190-02-28"
    assert (new["key_id"], new["threads"], new["grace_days"]) == (old["key_id"], 100, 7)
    assert new["renews"] == old["license"] != new["license"]
    less = json.loads(vendor_run("renew", new["license"], "--for", "1m", "--edition", "pro", "--json").output)
    assert (less["edition"], less["threads"]) == ("pro", None)
    vendor_run("renew", less["license"], "--for", "1m", "--edition", "enterprise", error=TermsError)


def test_revoke_prints_the_line_for_the_packages(vendor_run: Run) -> None:
    sold = sell(vendor_run)
    output = vendor_run("revoke", sold["license"], "--reason", "refund").output
    assert output.endswith(f'\n    "{sold["license"]}",\n')
    assert json.loads(vendor_run("list", "--json").output)[0]["reason"] == "refund"
    vendor_run("revoke", "lic_x", "--reason", "refund", error=UnknownLicense)
    vendor_run("renew", sold["license"], "--for", "1y", error=TermsError)


def test_a_lost_file_is_written_again_and_a_lost_key_is_replaced(vendor_run: Run, tmp_path: Path) -> None:
    sold = sell(vendor_run)
    vendor_run("export", sold["license"], "--out", "again.license")
    assert Path("again.license").read_text() == Path(sold["file"]).read_text()
    shown = KEY.search(vendor_run("new-key", sold["key_id"]).output)
    assert shown is not None
    assert holder_of(tmp_path, sold["key_id"]).key_sha256 == digest(shown.group().split(":")[1])
    vendor_run("new-key", "key_x", error=UnknownLicense)


def test_inspect_reads_any_licence_and_says_whose_it_is(vendor_run: Run, tmp_path: Path) -> None:
    sold = sell(vendor_run)
    output = vendor_run("inspect", sold["file"]).output
    assert "good, by 2026-a" in output
    assert "issued, not revoked" in output
    other = CliRunner().invoke(group, ["--folder", str(tmp_path / "other"), "inspect", "--json", sold["file"]])
    assert other.exit_code == 1
    said = json.loads(other.output)
    assert (said["jti"], said["good"], "no ledger" in said["ledger"]) == (sold["license"], False, True)
    Path("none").write_bytes(b"\xff\xfenonsense")
    assert "the licence is damaged" in str(vendor_run("inspect", "none", error=IssuerError).exception)


def test_list_finds_customers_and_what_ends_soon(vendor_run: Run) -> None:
    sell(vendor_run, "--edition", "pro", "--for", "10d")
    vendor_run("issue", "--customer", "Øl & Brød", "--edition", "pro", "--for", "2y")
    assert [one["customer"] for one in json.loads(vendor_run("list", "--json").output)] == ["Acme", "Øl & Brød"]
    assert "Acme" not in vendor_run("list", "--customer", "øl").output
    assert "Øl" not in vendor_run("list", "--ending", "30d").output
    assert vendor_run("list", "--customer", "nobody").output == "no licences\n"


def test_publish_takes_wheels_and_says_when_they_were_built(vendor_run: Run, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "offsider-pro", built="2026-05-01")
    assert "built 2026-05-01" in vendor_run("publish", str(wheel)).output
    other = make_wheel(tmp_path, "redis")
    assert "not for sale" in str(vendor_run("publish", str(other), error=IssuerError).exception)


def test_a_sealed_key_asks_the_environment_and_never_the_command_line(run: Run) -> None:
    run("keygen", "--encrypt", error=SigningKeyError)
    run("keygen", "--encrypt", ISSUER_PASSPHRASE="horse")
    words = ("issue", "--customer", "A", "--edition", "pro", "--for", "1y")
    assert "set ISSUER_PASSPHRASE" in str(run(*words, error=SigningKeyError).exception)
    run(*words, ISSUER_PASSPHRASE="horse")
    run(*words, error=SigningKeyError, ISSUER_PASSPHRASE="donkey")
    assert not [one for command in group.commands.values() for one in command.params if "pass" in str(one.name)]


def test_the_index_does_not_leave_the_machine_without_https(vendor_run: Run) -> None:
    for host in ("0.0.0.0", "::", "example.com"):
        result = vendor_run("serve-index", "--host", host, error=TermsError)
        assert "expected --tls-cert and --tls-key, or --proxy" in str(result.exception)
    assert "expected both" in str(vendor_run("serve-index", "--tls-cert", os.devnull, error=TermsError).exception)


def test_an_error_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["offsider-issuer", "--folder", str(tmp_path), "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("FolderError: there is no ledger")


def test_a_backup_is_a_whole_private_copy_and_overwrites_nothing(vendor_run: Run, tmp_path: Path) -> None:
    sold = sell(vendor_run)
    vendor_run("backup", "copy.db")
    assert stat.S_IMODE(Path("copy.db").stat().st_mode) == 0o600
    with opened(Path("copy.db"), read_only=True) as connection:
        assert Ledger(connection, lambda: 0.0).find(sold["license"]).customer == "Acme"
    assert "is not overwritten" in str(vendor_run("backup", "copy.db", error=FolderError).exception)

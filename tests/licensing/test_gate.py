"""The gate: what it asks of a licence, how long it takes, and what it never does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from offsider_licensing import License, LicenseForOther, LicenseRevoked, examine, require
from offsider_licensing.license import TIERS
from support.signer import NOW_S, Signer

SIGNER = Signer()
MOST_S = 0.005


def ask(edition: str = "pro", **claims: object) -> License:
    """The gate, with a licence of these claims."""
    return require(edition, built=None, license=SIGNER.token(**claims), env={}, now_s=NOW_S, keys=SIGNER.keys)


def test_a_licence_says_who_may_use_what_and_where_it_was_found(tmp_path: Path) -> None:
    path = tmp_path / "offsider.license"
    path.write_text(SIGNER.file(), "utf-8")
    held = require("pro", built=None, env={}, paths=[path], now_s=NOW_S, keys=SIGNER.keys)
    assert held == License(
        id="lic_abcdefghij234567",
        customer="Acme Pty Ltd",
        editions=("enterprise", "pro"),
        threads=100,
        issued_s=NOW_S - 100 * 86_400,
        expires_s=NOW_S + 100 * 86_400,
        grace_days=30,
        key_id="key_abcdefghij234567",
        source=str(path),
    )
    assert (held.tier, held.expires) == ("enterprise", "2027-04-25")


def test_only_the_editions_that_it_names_start() -> None:
    assert ask("pro", aud=["pro"]).tier == "pro"
    with pytest.raises(LicenseForOther, match="is for pro, not for enterprise"):
        ask("enterprise", aud=["pro"])
    assert ask("acme", aud=["acme"]).tier == "acme"


@pytest.mark.parametrize("edition", TIERS)
def test_the_evaluation_licence_is_for_every_edition_and_marked(edition: str) -> None:
    held = require(edition, built=None, license="evaluation", env={})
    assert (held.evaluation, held.threads, held.expires, held.id) == (True, None, "never", "evaluation")


def test_the_vendors_own_list_of_revoked_licences_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offsider_licensing.revoked.REVOKED", {"lic_abcdefghij234567"})
    with pytest.raises(LicenseRevoked, match="lic_abcdefghij234567 of 'Acme Pty Ltd' was revoked"):
        ask()


def test_no_variable_changes_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that the package carries count, whatever the environment has."""
    from offsider_licensing.public_keys import KEYS

    assert not set(SIGNER.keys) & set(KEYS)
    source = Path(require.__code__.co_filename).parent
    reading = {path.name for path in source.glob("*.py") if "os.environ" in path.read_text("utf-8")}
    assert reading == {"gate.py"}
    assert "os.environ" not in (source / "public_keys.py").read_text("utf-8")


def test_it_takes_less_than_5_ms(tmp_path: Path) -> None:
    path = tmp_path / "offsider.license"
    path.write_text(SIGNER.file(), "utf-8")
    nowhere = [tmp_path / f"nothing{number}" for number in range(5)]

    def once() -> float:
        before = time.perf_counter()
        require("pro", built=None, env={}, paths=[*nowhere, path], now_s=NOW_S, keys=SIGNER.keys)
        return time.perf_counter() - before

    once()  # imports
    assert median(once() for _ in range(21)) < MOST_S


def test_to_examine_asks_neither_for_an_edition_nor_for_a_date() -> None:
    assert examine(SIGNER.token(exp=1, iat=0, aud=["acme"]), env={}, keys=SIGNER.keys).editions == ("acme",)


def test_the_evaluation_licence_loads_no_cryptography_and_nothing_loads_offsider(tmp_path: Path) -> None:
    program = """
import sys
from offsider_licensing import require
require("pro", built=None, license="evaluation")
print([name for name in ("jwt", "cryptography", "pydantic", "offsider", "socket", "ssl") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert run.stdout.strip() == "[]", run.stderr


def test_no_network_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    sys.addaudithook(lambda event, _given: seen.append(event) if event.startswith("socket.") and watching else None)
    watching = True
    ask()
    watching = False
    assert seen == []

"""``offsider quarantine``: listed with the reason, shown with the bytes, put back, repaired and deleted."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from offsider.worker.putback import quarantine_entry
from support.cli import offsider, told, told_json

KEY = "{offsider}:quarantine"
UNKNOWN = b'{"class":"paint","args":[1],"jid":"b4a577edbccf1d805744efa9","queue":"mail"}'


@pytest.fixture
def ids(shop: App, raw: Any) -> list[str]:
    """Two entries: a job that nobody knew, and bytes that are none; the newest first."""
    for age_s, payload, reason in ((120, UNKNOWN, "no worker knew it"), (60, b"\x1b[2J{", "not JSON")):
        raw.zadd(KEY, {quarantine_entry("mail", reason, payload): time.time() - age_s})
    return [entry.id for entry in shop.quarantine.entries()]


def test_an_empty_one_is_said_to_be(shop: App) -> None:
    assert told("quarantine") == "nothing is in quarantine\n"
    assert told_json("quarantine") == []


def test_they_are_listed_the_newest_first_with_the_reason(ids: list[str]) -> None:
    lines = told("quarantine").splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [[ids[0], "-", "mail"], [ids[1], "paint", "mail"]]
    assert lines[2].endswith("2 m 0 s ago  no worker knew it")
    assert [one["id"] for one in told_json("quarantine", "list", "-n", "1")] == ids[:1]
    assert [one["id"] for one in told_json("quarantine", "list", "--text", "NEW")] == ids[1:]


def test_one_is_shown_harmlessly_or_as_its_bytes(ids: list[str]) -> None:
    shown = told("quarantine", "show", ids[0])
    assert "reason:  not JSON" in shown
    assert "\x1b" not in shown
    assert offsider("quarantine", "show", ids[0], "--raw").stdout_bytes == b"\x1b[2J{"
    assert told_json("quarantine", "show", "b4a577edbccf1d805744efa9")["text"] == UNKNOWN.decode()
    assert "is not in quarantine" in offsider("quarantine", "show", "nobody").stderr
    assert told_json("quarantine", "show", "nobody", code=1) is None


def test_jobs_are_put_back_and_the_rest_stays(ids: list[str], raw: Any) -> None:
    assert told("quarantine", "retry", "--all", "--yes") == "1 entry enqueued\n"
    assert told("quarantine", "retry", "--all", "--yes", code=1) == "0 entries enqueued\n"
    assert raw.llen("{offsider}:queue:mail") == 1


def test_one_is_repaired_in_a_file(ids: list[str], raw: Any, tmp_path: Path) -> None:
    file = tmp_path / "repaired.json"
    file.write_bytes(UNKNOWN + b"\n")
    assert told_json("quarantine", "retry", ids[0], "--repaired", str(file), "--yes") == {"enqueued": 1}
    assert json.loads(raw.lindex("{offsider}:queue:mail", 0))["class"] == "paint"
    file.write_bytes(b"[]")
    result = offsider("quarantine", "retry", ids[1], "--repaired", str(file), "--yes")
    assert "these bytes are no job" in str(result.exception)
    assert "for one entry" in offsider("quarantine", "retry", "--all", "--repaired", str(file), "--yes").stderr


def test_they_are_deleted_once_somebody_is_sure(ids: list[str], shop: App) -> None:
    assert "have 1 of the 2 entries deleted" in offsider("quarantine", "delete", ids[0]).stderr
    assert told_json("quarantine", "delete", *ids, "--yes") == {"deleted": 2}
    assert len(shop.quarantine) == 0


@pytest.mark.parametrize("words", [[], ["--all", "--name", "paint"], ["--all", "some id"]])
def test_which_ones_has_to_be_said(ids: list[str], words: list[str]) -> None:
    result = offsider("quarantine", "delete", *words, "--yes")
    assert result.exit_code == 2
    assert "which entries?" in result.stderr

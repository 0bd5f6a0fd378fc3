"""``offsider migrate celery``: what it would do, what it has done, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from offsider import App
from support.cli import offsider, told, told_json

APP = """
from offsider import App
app = App({url!r}, editions=[])

@app.job(name="shop.add", queue="sums")
def add(number: int) -> None: ...
"""


def message(number: int, name: str) -> str:
    head = {"task": name, "id": f"id{number}"}
    body = json.dumps([[number], {}, {}])
    return json.dumps({"body": body, "content-type": "application/json", "headers": head, "properties": {}})


@pytest.fixture
def words(shop: App, redis_url: str, raw: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "migrated_shop.py").write_text(APP.format(url=redis_url), "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "migrated_shop", raising=False)
    raw.lpush("celery", message(1, "shop.add"), message(2, "tasks.add"), message(3, "shop.add"))
    return ["migrate", "celery", "--broker", redis_url, "--app", "migrated_shop:app"]


def test_it_says_what_it_would_do_and_does_it_once_somebody_is_sure(words: list[str], raw: Any) -> None:
    lines = told(*words, "--dry-run", code=1).splitlines()
    assert lines[0] == "queue celery: 2 to be moved, 1 left"
    assert lines[3].startswith("tasks.add      1  left: the app has no job 'tasks.add'")
    assert "say --yes" in offsider(*words).stderr
    assert raw.llen("celery") == 3
    assert told(*words, "--yes", "--rename", "tasks.add=shop.add").splitlines()[0] == "queue celery: 3 moved, 0 left"
    assert raw.llen("{offsider}:queue:sums") == 3


def test_json_and_queues(words: list[str], raw: Any) -> None:
    raw.lpush("mail", message(4, "shop.add"))
    raw.hset("unacked", "tag", "x")
    found = told_json(*words, "-q", "mail", "--dry-run")
    assert found == {"mail": {"moved": {"shop.add": 1}, "left": [], "unacked": 1}}
    assert "1 more are in the hands of Celery's workers" in told(*words, "-q", "mail", "--yes")


def test_it_says_what_is_missing(words: list[str]) -> None:
    assert "expected TASK=JOB" in offsider(*words, "--rename", "x", "--dry-run").stderr
    assert "whose jobs do they become?" in offsider(*words[:4], "--dry-run").stderr


def test_code_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert told("migrate", "celery-code") == "0 to be written otherwise\n"
    (tmp_path / "tasks.py").write_text("from celery import group\n\ngroup()\n", "utf-8")
    lines = told("migrate", "celery-code", code=1).splitlines()
    assert lines == [
        "tasks.py:3: group(…): " + told_json("migrate", "celery-code", code=1)[0]["advice"],
        "1 to be written otherwise",
    ]

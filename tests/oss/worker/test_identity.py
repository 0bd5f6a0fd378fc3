"""Who a process is: a name that nobody else has, and what the process list says of it."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App, __version__
from offsider.worker.identity import Identity
from offsider.worker.worker import Worker


def test_a_name_is_host_pid_and_a_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNO", raising=False)
    expected = rf"{re.escape(socket.gethostname())}:{os.getpid()}:[0-9a-f]{{12}}"
    assert re.fullmatch(expected, Identity().name)


def test_two_incarnations_in_one_process_have_two_names() -> None:
    assert Identity().name != Identity().name


def test_where_hosts_have_no_names_of_their_own_the_platforms_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNO", "worker.3")
    one = Identity()
    assert one.hostname == "worker.3"
    assert one.name.startswith("worker.3:")


def info_of(app: App, **settings: Any) -> dict[str, Any]:
    worker = Worker(app, **settings)
    return worker.identity_record.info(worker.capsules)


def test_the_process_list_has_the_fields_of_every_version_of_sidekiqs_pages(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DYNO", raising=False)
    app = make_app(
        worker={
            "tag": "shop",
            "labels": ["blue", "reliable"],
            "queues": ["high:3", "low:1"],
            "concurrency": 4,
            "capsules": {"slow": {"queues": ["reports", "low"], "concurrency": 2}},
        }
    )
    before_s = time.time()
    worker = Worker(app)
    info = worker.identity_record.info(worker.capsules)
    assert before_s <= info.pop("started_at") <= time.time()
    assert info == {
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "tag": "shop",
        "concurrency": 6,
        "capsules": {
            "default": {"concurrency": 4, "mode": "weighted", "weights": {"high": 3, "low": 1}},
            "slow": {"concurrency": 2, "mode": "strict", "weights": {"reports": 0, "low": 0}},
        },
        "queues": ["high", "low", "reports"],
        "weights": [{"high": 3, "low": 1}, {"reports": 0, "low": 0}],
        "labels": ["blue", "reliable"],
        "identity": worker.identity,
        "version": f"offsider {__version__}",
        "embedded": False,
    }
    assert json.loads(json.dumps(info)) == info


@pytest.mark.parametrize("embedded", [True, False])
def test_an_embedded_worker_says_so(app: App, embedded: bool) -> None:
    assert info_of(app, embedded=embedded)["embedded"] is embedded

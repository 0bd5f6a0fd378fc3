"""Messages of Celery, as its protocols say; anything else is refused with the reason, and nothing is unpickled."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from offsider.errors import Malformed
from offsider.integrations.celery.messages import read

HEADERS = {"lang": "py", "task": "shop.add", "id": "b4a5", "eta": None, "expires": None, "retries": 0}


def message(body: Any, headers: Any = HEADERS, kind: str = "application/json", encoding: str = "base64") -> bytes:
    text = json.dumps(body)
    packed = base64.b64encode(text.encode()).decode() if encoding == "base64" else text
    properties = {"body_encoding": encoding, "delivery_tag": "t1"}
    return json.dumps({"body": packed, "content-type": kind, "headers": headers, "properties": properties}).encode()


def test_the_second_protocol() -> None:
    body = [[1], {"b": 2}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    eta = {**HEADERS, "eta": "2040-01-01T00:00:00", "expires": "2040-01-01T02:00:00+02:00"}
    for encoding in ("base64", ""):
        found = read(message(body, eta, encoding=encoding))
        assert (found.name, found.args, found.kwargs) == ("shop.add", [1], {"b": 2})
        assert found.at_s == found.until_s == 2208988800.0


def test_the_first_protocol() -> None:
    found = read(message({"task": "shop.add", "id": "b4a5", "args": [1], "kwargs": {}, "eta": None}, headers={}))
    assert (found.name, found.args, found.at_s) == ("shop.add", [1], None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is not a message but a list"),
        (message([], kind="application/x-python-serialize"), "expected 'application/json'"),
        (message([[], {}, {"chord": {"task": "x"}}]), "shop.add has a chord: a workflow does not move"),
        (message([[], {}]), "its body is not"),
        (message([{}, [], {}]), "its arguments are not"),
        (message({}, headers={}), "it names no task"),
        (message([[], {}, {}], {**HEADERS, "eta": "soon"}), "its eta is 'soon'"),
        (message([], encoding="").replace(b'"[]"', b"7"), "its body cannot be read"),
    ],
)
def test_what_is_no_task_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read(raw)

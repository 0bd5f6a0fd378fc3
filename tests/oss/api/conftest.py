"""What tests of the read-and-manage side need: entries in the sets, without a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.job.record import dumps

Put = Callable[..., bytes]


@pytest.fixture(params=["offsider", ""], ids=["namespace", "sidekiqs layout"])
def both(request: pytest.FixtureRequest, make_app: Callable[..., App]) -> App:
    """An app, once in a namespace and once in Sidekiq's layout."""
    return make_app(namespace=request.param)


@pytest.fixture
def put(raw: Any) -> Put:
    """Puts a job into a set with the given score and fields; returns its bytes."""

    def put_one(key: str, jid: str, at_s: float, **fields: Any) -> bytes:
        record = {"queue": "mail", "class": "welcome", "args": [7], "jid": jid, "retry": True, **fields}
        payload = dumps(record)
        raw.zadd(key, {payload: at_s})
        return payload

    return put_one


def load(payload: bytes) -> Any:
    """What lies in Redis, parsed."""
    return json.loads(payload)

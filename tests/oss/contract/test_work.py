"""What a worker's replaceable parts are: the core's own fit the Protocols, and every kind of settlement is kept."""

from __future__ import annotations

import inspect
import json
import math
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from offsider import App
from offsider.contract.work import Fenced, Fetcher, Hold, Interrupted, Service, Settlement, UnitOfWork
from offsider.errors import InvalidOption, OffsiderError
from offsider.worker.fetch import LeaseFetcher, Limits
from offsider.worker.order import QueueOrder
from offsider.worker.worker import Worker
from support.waiting import until

QUEUE = "{offsider}:queue:default"


def kinds() -> set[str]:
    """The kinds of a settlement that its docstring promises."""
    line = re.search(r"kind: (.*)", inspect.getdoc(Settlement) or "")
    return set(re.findall(r"``(\w+)``", line[1] if line else ""))


def methods(protocol: type) -> dict[str, list[str]]:
    """The public methods of a Protocol with their parameters."""
    return {
        name: list(inspect.signature(value).parameters)
        for name, value in vars(protocol).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


@pytest.fixture
def fetcher(app: App) -> Fetcher:
    """The core's own, with an open lease."""
    made = LeaseFetcher(
        app.connections, app.keys, QueueOrder({"default": 0}), owner="host:1:abc/default/1", limits=Limits(lease_s=60.0)
    )
    made.open()
    return made


def take(fetcher: Fetcher, raw: redis.Redis) -> UnitOfWork:
    """One job out of the queue."""
    raw.lpush(QUEUE, b'{"jid":"a","class":"x","args":[],"queue":"default","retry":true}')
    (unit,) = fetcher.exchange((), 1)
    return unit


def test_the_cores_fetcher_has_every_method_of_the_protocol_with_its_parameters() -> None:
    for name, parameters in methods(Fetcher).items():
        assert list(inspect.signature(getattr(LeaseFetcher, name)).parameters) == parameters, name
    assert set(methods(Fetcher)) == {"open", "exchange", "wait", "pass_on", "renew", "retire", "close"}


def test_a_unit_of_work_is_the_bytes_of_its_queue_and_a_name_in_the_hash(fetcher: Fetcher, raw: redis.Redis) -> None:
    unit = take(fetcher, raw)
    held: Any = raw.hgetall(f"{{offsider}}:inflight:{fetcher.owner}")
    assert held == {unit.field.encode(): unit.payload}
    number, _colon, queue = unit.field.partition(":")
    assert number.isdigit()
    assert queue == unit.queue == "default"
    assert unit.payload.startswith(b'{"jid":"a"')


def test_every_kind_of_settlement_that_is_promised_is_tested_below() -> None:
    assert kinds() == {"done", "back", "retry", "schedule", "dead", "quarantine"}


@pytest.mark.parametrize("kind", sorted(kinds() - {"done", "back"}))
def test_a_settlement_that_keeps_a_payload_puts_it_where_its_kind_says(
    kind: str, fetcher: Fetcher, raw: redis.Redis
) -> None:
    unit = take(fetcher, raw)
    seconds, _us = raw.time()
    kept = b'{"jid":"a","kept":true}'
    assert fetcher.exchange([Settlement(unit, kind, 600.0, kept)], 0) == []
    found: Any = raw.zrange(f"{{offsider}}:{kind}", 0, -1, withscores=True)
    ((payload, score),) = found
    assert payload == kept
    assert abs(score - seconds - (600 if kind in ("retry", "schedule") else 0)) < 10, "the delay is in server time"
    assert not raw.exists(f"{{offsider}}:inflight:{fetcher.owner}")


@pytest.mark.parametrize(("kind", "left"), [("done", 0), ("back", 1)])
def test_a_settlement_without_a_payload_ends_a_job_or_puts_it_back(
    kind: str, left: int, fetcher: Fetcher, raw: redis.Redis
) -> None:
    unit = take(fetcher, raw)
    assert fetcher.exchange([Settlement(unit, kind, 0.0, None)], 0) == []
    assert raw.lrange(QUEUE, 0, -1) == [unit.payload] * left
    assert not raw.exists(f"{{offsider}}:inflight:{fetcher.owner}")


def test_the_same_settlement_may_be_sent_again(fetcher: Fetcher, raw: redis.Redis) -> None:
    unit = take(fetcher, raw)
    settlement = Settlement(unit, "retry", 600.0, b'{"jid":"a","kept":true}')
    fetcher.exchange([settlement], 0)
    fetcher.exchange([settlement], 0)
    assert raw.zcard("{offsider}:retry") == 1


def test_a_lost_lease_is_a_control_signal_and_no_error_of_ours(fetcher: Fetcher, raw: redis.Redis) -> None:
    unit = take(fetcher, raw)
    raw.zrem("{offsider}:owners", fetcher.owner)
    raw.delete(f"{{offsider}}:inflight:{fetcher.owner}")
    assert fetcher.renew() is False
    with pytest.raises(Fenced):
        fetcher.exchange([Settlement(unit, "dead", 0.0, b'{"jid":"a"}')], 1)
    assert not raw.exists("{offsider}:dead"), "a late settlement changes nothing"
    assert not issubclass(Fenced, OffsiderError), "a user never sees it"


def test_a_closed_fetcher_may_be_closed_again(fetcher: Fetcher) -> None:
    fetcher.close()
    fetcher.close()


def test_every_service_of_a_worker_is_one(app: App) -> None:
    services = dict(Worker(app).services.items())
    assert len(services) >= 4
    for service in services.values():
        for name, parameters in methods(Service).items():
            assert list(inspect.signature(getattr(service, name)).parameters) == parameters[1:], (service, name)


def test_every_service_of_a_worker_tolerates_a_stop_before_the_start_and_a_second_one(app: App) -> None:
    for service in dict(Worker(app).services.items()).values():
        service.stop(5.0)
        service.stop()


def test_every_service_of_a_worker_tolerates_a_second_start(app: App, start_worker: Callable[..., Worker]) -> None:
    worker = start_worker(app)
    before = {one.name for one in threading.enumerate()}
    count = threading.active_count()
    for service in dict(worker.services.items()).values():
        service.start()
    assert threading.active_count() <= count, before
    worker.stop()
    for service in dict(worker.services.items()).values():
        service.stop()


def test_the_process_list_knows_a_field_that_somebody_added(app: App, raw: redis.Redis) -> None:
    worker = Worker(app)
    worker.heartbeat_fields.add("depth", lambda: json.dumps([1]), by="plugin")
    worker.start()
    try:
        until(lambda: raw.hget(f"{{offsider}}:{worker.identity}", "depth") == b"[1]")
    finally:
        worker.stop(1.0)


# -- holding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("delay", "delay_s"), [(5, 5.0), (0.5, 0.5), (timedelta(minutes=2), 120.0), (0, 0.0)])
def test_a_hold_has_a_reason_and_seconds(delay: Any, delay_s: float) -> None:
    held = Hold("closed", delay_s=delay)
    assert (held.reason, held.delay_s, str(held)) == ("closed", delay_s, "closed")


@pytest.mark.parametrize("delay", [-1, math.nan, math.inf, "5", None, True], ids=repr)
def test_a_hold_for_no_time_is_refused(delay: Any) -> None:
    with pytest.raises(InvalidOption, match=r"Hold\(delay_s\)"):
        Hold("closed", delay_s=delay)


def test_a_hold_is_a_control_signal_that_no_handler_of_errors_sees() -> None:
    assert not issubclass(Hold, Exception)


def test_an_interruption_is_a_hold_for_whoever_lets_holds_through() -> None:
    signal = Interrupted("this process stops")
    assert isinstance(signal, Hold)
    assert (signal.reason, signal.delay_s, signal.to_the_end) == ("this process stops", 0.0, False)
    assert Interrupted("it is long", to_the_end=True).to_the_end

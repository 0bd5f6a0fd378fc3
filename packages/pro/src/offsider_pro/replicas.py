"""Pushes that return once replicas have them, and what the doctor says of the replicas. Waits for none itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offsider import OptionSpec
from offsider.contract.findings import OK, PROBLEM, UNKNOWN, WARNING, Finding
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.errors import InvalidOption, shown
from offsider.job.options import to_wire
from offsider.store.classify import store_errors

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.push import PushRequest
    from offsider.store.inspect import ServerFacts

FIELD = "wait_replicas"
MOST = 100
LATE_S = 10
NAME = "replicas"


def wait_replicas(value: object) -> int:
    """The value of the option ``wait_replicas``: how many replicas; 0 for none.

    Raises:
        InvalidOption: It is no such number.

    Example:
        >>> wait_replicas(1)
        1
    """
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MOST:
        raise InvalidOption(f"{FIELD} is {shown(value)}: expected a whole number of replicas, 0 to {MOST}, or None")
    return value


OPTIONS = (OptionSpec(FIELD, "pro", wait_replicas),)


class WaitForReplicas(ClientMiddleware):
    """Takes the option out of the payload, and has the push wait."""

    fields = frozenset({FIELD})

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """As many as the job says."""
        request.copies = request.record.pop(FIELD, 0)
        return next(request)


# -- the doctor --------------------------------------------------------------------------------------------------


def check(app: App, facts: ServerFacts) -> Iterator[Finding]:
    """What becomes of acknowledged jobs when this master is lost: the check ``pro.replicas``."""
    if facts.role != "master":
        return  # told already
    wanted = _wanted(app)
    most = max(wanted.values(), default=0)
    if facts.replicas is None:
        yield Finding(NAME, UNKNOWN, "the server does not tell its replicas (INFO is refused)")
    elif facts.replicas < most:
        names = ", ".join(sorted(name for name, count in wanted.items() if count > facts.replicas))
        yield Finding(
            NAME,
            PROBLEM,
            f"{facts.replicas} replicas are connected, and jobs wait for up to {most}: {names}",
            f"{most} or more",
            "Each enqueue of them raises TooFewCopies, though the job is there. Connect more, or lower wait_replicas",
        )
    elif not facts.replicas:
        said = "no replica is connected: jobs are as safe as this server's disk (see persistence)"
        yield Finding(NAME, OK, said)
    else:
        yield from _connected(app)


def _wanted(app: App) -> dict[str, int]:
    """Jobs that wait for replicas, and for how many."""
    counts = {name: to_wire(job.options).get(FIELD, 0) for name, job in app.jobs.items()}
    return {name: count for name, count in counts.items() if count}


def _connected(app: App) -> Iterator[Finding]:
    client: Any = app.connections.admin()
    with store_errors():
        info: dict[str, Any] = client.info("replication")
    replicas = [value for key, value in info.items() if key.startswith("slave") and isinstance(value, dict)]
    offset = int(info.get("master_repl_offset", 0))
    behind = max((offset - int(one.get("offset", offset)) for one in replicas), default=0)
    lag_s = max((int(one.get("lag", 0)) for one in replicas), default=0)
    copying = [one for one in replicas if one.get("state") != "online"]
    said = f"{len(replicas)} replicas; the last one is {behind:,} bytes behind, and was heard of {lag_s} s ago"
    if copying or lag_s >= LATE_S:
        more = f", {len(copying)} of them still make their first copy" if copying else ""
        advice = "What they lack is lost when they take over. Look at the network and at their load"
        yield Finding(NAME, WARNING, said + more, f"each was heard of within {LATE_S} s", advice)
    else:
        yield Finding(NAME, OK, said)
    yield _least(client)


def _least(client: Any) -> Finding:
    """Whether a master that is cut off goes on to take jobs that nobody will ever see."""
    name = "min-replicas"
    try:
        told = client.config_get("min-replicas-to-write")
    except Exception as error:  # noqa: BLE001 - an ACL or a managed server refuses in many words
        return Finding(name, UNKNOWN, f"the server does not tell min-replicas-to-write ({type(error).__name__})")
    value = {_text(key): _text(word) for key, word in told.items()}.get("min-replicas-to-write", "0")
    if value == "0":
        return Finding(
            name,
            WARNING,
            "min-replicas-to-write is 0",
            "1 or more",
            "A master that is cut off from its replicas goes on to acknowledge jobs, which are lost when one of them"
            " takes over. CONFIG SET min-replicas-to-write 1 (and min-replicas-max-lag 10), or enqueue what must not be"
            " lost with wait_replicas=1",
        )
    return Finding(name, OK, f"min-replicas-to-write is {value}: a master that is cut off refuses jobs")


def _text(word: object) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)

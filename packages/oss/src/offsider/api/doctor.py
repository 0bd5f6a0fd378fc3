"""Is this server, with these settings and these workers, one that runs jobs safely? Only looks."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.findings import LEVELS, OK, PROBLEM, UNKNOWN, WARNING, Check, Finding
from ..errors import StoreError
from ..store import health
from ..store.connection import redacted
from ..store.inspect import ServerFacts, inspect, latencies_s
from .desk import told
from .fsck import known_kinds
from .invariants import OVERDUE_S
from .processes import ProcessInfo
from .queues import QueueInfo

if TYPE_CHECKING:
    from ..app import App

log = logging.getLogger("offsider")

SLOW_S = 0.005
MOST_KEYS = 100_000
MOST_NAMED = 5
_SECRET = re.compile(r"password|secret|token|credential|dsn|license|(^|[._])key(s|$|_)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it holds.

    Attributes:
        key: E.g. ``worker.concurrency``.
        value: Its value; what is secret is ``***``.
        source: Who has set it: ``default``, ``keyword``, ``environment (OFFSIDER_…)``, or a file.
    """

    key: str
    value: Any
    source: str

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"key": self.key, "value": self.value, "source": self.source}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor has found.

    Attributes:
        findings: In the order of the checks.
        settings: All of them, and where they came from.
    """

    findings: tuple[Finding, ...]
    settings: tuple[Setting, ...]

    @property
    def level(self) -> str:
        """The worst of all."""
        return max((one.level for one in self.findings), key=LEVELS.index, default=OK)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "level": self.level,
            "findings": [one.to_dict() for one in self.findings],
            "settings": [one.to_dict() for one in self.settings],
        }


def doctor(app: App) -> Diagnosis:
    """Look at the server, the settings, the keys and the workers of an app.

    It asks a few dozen questions, and lists up to 100,000 keys. A server that does not answer is a finding, too.

    Args:
        app: Whose.

    Example:
        >>> from offsider.api.doctor import doctor
        >>> [one.name for one in doctor(app).findings if one.level == "problem"]      # doctest: +SKIP
        ['eviction']
    """
    app.checks.close()  # what came now was not looked at
    return Diagnosis(tuple(_findings(app)), tuple(settings(app)))


def settings(app: App) -> Iterator[Setting]:
    """Every setting with its source, without secrets."""
    for key, value, source in app.loaded.explain():
        if isinstance(value, str) and "://" in value:
            yield Setting(key, redacted(value), source)
        else:
            secret = value is not None and value != "" and _SECRET.search(key) is not None
            yield Setting(key, "***" if secret else value, source)


def _findings(app: App) -> Iterator[Finding]:
    try:
        facts: ServerFacts | None = inspect(app.connections.admin())
    except StoreError as error:
        said = f"{redacted(app.connections.url)} does not answer: {error}"
        yield Finding("redis", PROBLEM, said, "an answer", "Start it, or correct redis.url")
        facts = None
    for name, check in app.checks.items():
        if facts is not None or getattr(check, "offline", False):
            yield from _checked(app, facts, name, check)


def _checked(app: App, facts: Any, name: str, check: Check) -> list[Finding]:
    """What one check finds; one that fails has found nothing, which is told."""
    try:
        return list(check(app, facts))
    except Exception as error:
        owner = app.checks.owner(name)
        log.debug("the check %r of %s failed; the others go on", name, owner, exc_info=True)
        said = f"the check of {owner} failed with {type(error).__name__}: {str(error)[:300]}"
        return [Finding(name, UNKNOWN, said, advice="The others are told. A key of a wrong type? See offsider fsck")]


# -- the core's own checks ---------------------------------------------------------------------------------------


def _server(_app: App, facts: ServerFacts) -> Iterable[Finding]:
    judges = (health.version, health.persistence, health.eviction, health.memory, health.replication, health.skew)
    return [judge(facts) for judge in judges]


def _latency(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    taken = latencies_s(app.connections.admin())
    middle, late = taken[len(taken) // 2], taken[max(0, len(taken) * 99 // 100 - 1)]
    said = f"a round trip takes {middle * 1000:.2f} ms, the slowest of {len(taken)} {late * 1000:.2f} ms (p50, p99)"
    if middle <= SLOW_S:
        yield Finding("latency", OK, said)
    else:
        yield Finding(
            "latency",
            WARNING,
            said,
            f"less than {SLOW_S * 1000:g} ms",
            "Each enqueue takes as long, and small jobs, too. Bring workers and Redis nearer, look for slow commands"
            " (SLOWLOG GET) and at the load of both machines",
        )


def _keys(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    if not app.keys.prefix:
        yield Finding("keys", OK, "the namespace is empty: whose a key is cannot be told by its name")
        return
    seen, strange = _unknown_keys(app)
    if not strange:
        more = "" if seen < MOST_KEYS else " (of the first ones that were looked at)"
        yield Finding("keys", OK, f"all {seen:,} keys under {app.keys.prefix!r} are known{more}")
        return
    names = ", ".join(map(repr, strange[:MOST_NAMED])) + (" …" if len(strange) > MOST_NAMED else "")
    yield Finding(
        "keys",
        WARNING,
        f"{len(strange):,} of {seen:,} keys under {app.keys.prefix!r} are nobody's: {names}",
        "none",
        "An edition that is not installed here, another program or another version has written them; offsider fsck"
        " lists all",
    )


def _unknown_keys(app: App) -> tuple[int, list[str]]:
    patterns = [re.compile(kind.pattern) for kind in known_kinds(app)]
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", app.keys.prefix) + "*"
    seen, strange, cursor = 0, [], b"0"
    with app.desk.wire() as wire:
        while True:
            cursor, page = wire.command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            names = [key.decode("utf-8", "replace") for key in page]
            seen += len(names)
            strange += [name for name in names if not any(one.fullmatch(name) for one in patterns)]
            if int(cursor) == 0 or seen >= MOST_KEYS:
                return seen, sorted(strange)


def _workers(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    living, figures = app.processes.all(), app.stats.now()
    yield _alive(living, figures.enqueued)
    yield from _versions(living)
    yield from _untaken(figures.queues, living)


def _alive(living: list[ProcessInfo], waiting: int) -> Finding:
    if not living:
        level = WARNING if waiting else OK
        said = f"no worker lives, {waiting:,} jobs wait"
        return Finding("workers", level, said, advice="Start one: offsider worker MODULE:APP" if waiting else "")
    slots, busy = sum(one.concurrency for one in living), sum(one.busy for one in living)
    said = f"{len(living)} live, {busy} of {slots} slots are busy"
    if all(one.quiet for one in living):
        return Finding("workers", WARNING, f"{said}, and all are quiet", "one that fetches", "Start new ones")
    return Finding("workers", OK, said)


def _versions(living: list[ProcessInfo]) -> Iterator[Finding]:
    versions = sorted({one.version for one in living if one.version.startswith("offsider ")})
    if len(versions) > 1:
        yield Finding(
            "versions",
            WARNING,
            f"the live workers are of {len(versions)} versions: {', '.join(versions)}",
            "one, but while you deploy",
            "Restart those of the older ones",
        )
    elif versions:
        yield Finding("versions", OK, f"all workers are {versions[0]}")


def _untaken(queues: Iterable[QueueInfo], living: list[ProcessInfo]) -> Iterator[Finding]:
    """Queues with jobs that nobody takes; without any worker that is told already."""
    taken = {name for one in living if not one.quiet for name in one.queues}
    if not taken:
        return
    lost = [one for one in queues if one.size and one.name not in taken]
    if lost:
        names = ", ".join(f"{one.name!r} ({one.size:,})" for one in lost[:MOST_NAMED])
        more = " …" if len(lost) > MOST_NAMED else ""
        said = f"nobody takes the jobs of {len(lost)} queues: {names}{more}"
        yield Finding("queues", PROBLEM, said, "a worker for each", "Start one with -q NAME, or clear the queue")
    else:
        yield Finding("queues", OK, "each queue with jobs has a worker that takes it")


def _leases(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    with app.desk.wire() as wire:
        seconds, _microseconds = wire.command("TIME")
        past = round((int(seconds) - OVERDUE_S) * 1000)
        late = int(wire.command("ZCOUNT", app.keys.owners, "-inf", past))
        every = int(wire.command("ZCARD", app.keys.owners))
    if late:
        yield Finding(
            "leases",
            WARNING,
            f"{late} of {every} leases ended over {OVERDUE_S:g} s ago, and nobody has given their jobs back",
            "none",
            "Any live worker does it within seconds: start one, or look into the log of those that live",
        )
    else:
        yield Finding("leases", OK, f"{every} leases, none is overdue")


def _quarantine(app: App, _facts: ServerFacts) -> Iterable[Finding]:
    with app.desk.wire() as wire:
        count = int(told(wire, 0, "ZCARD", app.keys.quarantine))
    if count:
        yield Finding(
            "quarantine",
            WARNING,
            f"{count:,} entries are in quarantine: no worker could run them",
            "none",
            "offsider quarantine shows each with its reason, puts it back, or deletes it; an old version of your code"
            " may have enqueued them",
        )
    else:
        yield Finding("quarantine", OK, "nothing is in quarantine")


CORE: dict[str, Check] = {
    "server": _server,
    "latency": _latency,
    "keys": _keys,
    "workers": _workers,
    "leases": _leases,
    "quarantine": _quarantine,
}

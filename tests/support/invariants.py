"""What must hold in Redis after whatever happened: each job in one place, each lease with an owner, no leaked key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import redis

from offsider.store.keys import Keys

PAGE = 1000


@dataclass
class State:
    """What lies in one namespace.

    Attributes:
        places: jid → the names of the places where it lies, one for each time.
        owners: owner → its lease's end, in ms of the server's clock.
        inflight: owner → the fields it holds.
        keys: Every key without its prefix → seconds it still lives; -1 for no end.
        now_ms: The server's time.
    """

    places: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, float] = field(default_factory=dict)
    inflight: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    unread: list[tuple[str, bytes]] = field(default_factory=list)
    now_ms: float = 0.0


def read(client: redis.Redis, keys: Keys) -> State:
    """Read a namespace; nobody may be writing to it, or what is seen is not one moment."""
    state = State()
    seconds, microseconds = client.time()
    state.now_ms = seconds * 1000 + microseconds / 1000
    for key in client.scan_iter(match=f"{_escaped(keys.prefix)}*", count=PAGE):
        state.keys[key.decode().removeprefix(keys.prefix)] = client.ttl(key)
    for name in list(state.keys):
        if name.startswith("queue:"):
            for payload in client.lrange(keys.queue(name.removeprefix("queue:")), 0, -1):
                _place(state, name, payload)
        elif name.startswith("inflight:"):
            _read_inflight(client, keys, state, name.removeprefix("inflight:"))
    for key in (keys.schedule, keys.retry, keys.dead):
        for payload in client.zrange(key, 0, -1):
            _place(state, key.removeprefix(keys.prefix), payload)
    for entry in client.zrange(keys.quarantine, 0, -1):
        _place(state, "quarantine", entry.partition(b"\n")[2])
    state.owners = {owner.decode(): score for owner, score in client.zrange(keys.owners, 0, -1, withscores=True)}
    return state


def broken(
    client: redis.Redis, keys: Keys, *, lease_s: float, living: Iterable[str] | None = None, strangers: bool = True
) -> list[str]:
    """Every rule that does not hold, as a sentence.

    Args:
        client: A client of the server.
        keys: The namespace.
        lease_s: The longest lease of any worker.
        living: The owners that should be there; None when that is not known.
        strangers: Look for keys of other namespaces, too.
    """
    state = read(client, keys)
    return [
        *_twice(state),
        *_leases(state, lease_s),
        *_leaked(state, client, keys),
        *(_unexpected(state, set(living)) if living is not None else ()),
        *(_strangers(client, keys) if strangers else ()),
    ]


def assert_sound(
    client: redis.Redis,
    keys: Keys,
    *,
    lease_s: float,
    living: Iterable[str] | None = None,
    strangers: bool = True,
    note: str = "",
) -> None:
    """Fail with every rule that does not hold."""
    found = broken(client, keys, lease_s=lease_s, living=living, strangers=strangers)
    assert not found, "\n".join([note, *found])


# -- the rules -----------------------------------------------------------------------------------------------


def _twice(state: State) -> Iterator[str]:
    for jid, places in state.places.items():
        if len(places) > 1:
            yield f"job {jid} lies in {len(places)} places: {', '.join(sorted(places))}"


def _leases(state: State, lease_s: float) -> Iterator[str]:
    for owner, fields in state.inflight.items():
        if owner not in state.owners:
            yield f"{owner} holds {len(fields)} jobs without a lease"
    for owner, end_ms in state.owners.items():
        ahead_s = (end_ms - state.now_ms) / 1000
        if ahead_s > lease_s + 0.5:
            yield f"the lease of {owner} ends in {ahead_s:.1f} s; the longest is {lease_s:g} s"


def _unexpected(state: State, living: set[str]) -> Iterator[str]:
    for owner in sorted(state.owners.keys() - living):
        yield f"{owner} has a lease and does not live"
    for owner in sorted(living - state.owners.keys()):
        yield f"{owner} lives and has no lease"


# What may lie in a namespace, and whether it must end by itself.
KNOWN: tuple[tuple[str, bool], ...] = (
    (r"queues|schedule|retry|dead|quarantine|processes|owners", False),
    (r"queue:[A-Za-z0-9_.:-]{1,128}", False),
    (r"bell:[A-Za-z0-9_.:-]{1,128}|bell-schedule", False),
    (r"inflight:.+", False),
    (r"lane:[0-9a-f]{18}", True),
    (r"it-[0-9a-f]{24}", True),
    (r"stat:(processed|failed)", False),
    (r"stat:(processed|failed):\d{4}-\d\d-\d\d", True),
    (r"[^:]+:\d+:[0-9a-f]{12}(:work)?", True),
)


def _leaked(state: State, client: redis.Redis, keys: Keys) -> Iterator[str]:
    for name, ends_in_s in state.keys.items():
        known = [must_end for pattern, must_end in KNOWN if re.fullmatch(pattern, name)]
        if not known:
            yield f"the key {name!r} is nobody's"
        elif known[0] and ends_in_s == -1:
            yield f"the key {name!r} never ends"
        elif name.startswith("bell") and client.llen(keys.prefix + name) > 1:
            yield f"the bell {name!r} has {client.llen(keys.prefix + name)} tokens"
    listed = {one.decode() for one in client.smembers(keys.queues)}
    for name in state.keys:
        if name.startswith("queue:") and name.removeprefix("queue:") not in listed:
            yield f"the queue {name!r} is not listed"


def _strangers(client: redis.Redis, keys: Keys) -> Iterator[str]:
    for key in client.scan_iter(count=PAGE):
        if not key.decode().startswith("{"):
            yield f"the key {key.decode()!r} has no prefix"


# -- reading -------------------------------------------------------------------------------------------------


def _read_inflight(client: redis.Redis, keys: Keys, state: State, owner: str) -> None:
    held = {name.decode(): payload for name, payload in client.hgetall(keys.inflight(owner)).items()}
    held.pop("stopped", None)
    state.inflight[owner] = list(held)
    for payload in held.values():
        _place(state, f"inflight:{owner}", payload)


def _place(state: State, place: str, payload: bytes) -> None:
    jid = jid_of(payload)
    if jid is None:
        state.unread.append((place, payload))
    else:
        state.places.setdefault(jid, []).append(place)


def jid_of(payload: bytes) -> str | None:
    """The id in a payload; None when there is none to be read."""
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    jid = record.get("jid") if isinstance(record, dict) else None
    return jid if isinstance(jid, str) else None


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)

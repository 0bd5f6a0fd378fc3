"""What must hold in Redis after whatever happened: the rules of ``offsider fsck``, and who should be alive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import redis

from offsider.api.census import jid_of
from offsider.api.invariants import Scene, breaches
from offsider.store.keys import Keys
from offsider.store.layout import kinds
from offsider.store.wire import Wire

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
    scene = Scene(Wire(client.connection_pool, "invariants"), keys, kinds(keys), longest_s=lease_s)
    try:
        found = [breach.says for breach in breaches(scene)]
    finally:
        scene.wire.drop()
    return [
        *found,
        *(_unexpected(read(client, keys), set(living)) if living is not None else ()),
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


def _unexpected(state: State, living: set[str]) -> Iterator[str]:
    for owner in sorted(state.owners.keys() - living):
        yield f"{owner} has a lease and does not live"
    for owner in sorted(living - state.owners.keys()):
        yield f"{owner} lives and has no lease"


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


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)

"""What must hold in the keys of the free edition. Gives what does not; mends it only where no job can be lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..contract.findings import Breach, KeyKind
from ..store.classify import is_wrong_type
from ..store.keys import Keys
from ..store.scripts import load
from .census import Census
from .desk import told
from .search import pairs
from .workforce import living

if TYPE_CHECKING:
    from ..store.wire import Wire

LONGEST_LEASE_S = 3600.0  # what the setting worker.lease_s allows
SLACK_S = 0.5
OVERDUE_S = 60.0
PAGE = 500

Look = tuple[str, int, int]  # type, seconds it lives, size


@dataclass
class Scene:
    """One look at one namespace.

    Attributes:
        wire: A connection.
        keys: Of the namespace.
        kinds: All kinds of keys that somebody writes.
        longest_s: The longest lease of any worker.
        queues, owners: Names in keys of queues and of jobs in flight, as they were met.
        seen: How many keys were met.
        census: The count of jobs, once it was made.
    """

    wire: Wire
    keys: Keys
    kinds: tuple[KeyKind, ...]
    longest_s: float = LONGEST_LEASE_S
    queues: set[str] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    seen: int = 0
    census: Census | None = None

    def look(self, keys: list[str]) -> list[Look]:
        """Type, time to live and size of some keys, at one moment."""
        reply = self.wire.run(load("look"), keys, [])
        return [(_text(reply[k]), int(reply[k + 1]), int(reply[k + 2])) for k in range(0, len(reply), 3)]

    def now_ms(self) -> float:
        """The server's time."""
        seconds, microseconds = self.wire.command("TIME")
        return int(seconds) * 1000 + int(microseconds) / 1000


def breaches(scene: Scene) -> Iterator[Breach]:
    """Every rule of the free edition that does not hold, in the order in which they are looked at.

    Raises:
        StoreError: Redis is away or refuses.
    """
    yield from keys_of(scene)
    yield from leases(scene)
    yield from twice(scene)


# -- keys ------------------------------------------------------------------------------------------------------


def keys_of(scene: Scene) -> Iterator[Breach]:
    """Wrong types, keys that never end, bells with several tokens, queues that nobody lists, keys of nobody."""
    patterns = [(re.compile(kind.pattern), kind) for kind in scene.kinds]
    for page in _key_pages(scene):
        looks = scene.look(page) if page else []
        for key, look in zip(page, looks, strict=True):
            kind = next((kind for pattern, kind in patterns if pattern.fullmatch(key)), None)
            if look[0] != "none":
                scene.seen += 1
                yield from _of_key(scene, key, kind, look)


def _key_pages(scene: Scene) -> Iterator[list[str]]:
    """The keys with our prefix; with an empty namespace all that there are."""
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", scene.keys.prefix) + "*"
    cursor: Any = b"0"
    while True:
        cursor, page = scene.wire.command("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE)
        yield [key.decode("utf-8") for key in page if _is_text(key)]
        if int(cursor) == 0:
            return


def _of_key(scene: Scene, key: str, kind: KeyKind | None, look: Look) -> Iterator[Breach]:
    name = key.removeprefix(scene.keys.prefix)
    if kind is None:
        if scene.keys.prefix:
            yield Breach(
                "unknown key",
                f"the key {name!r} is nobody's",
                "an edition that is not installed here, another program or another version has written it",
                note=True,
            )
    elif look[0] != kind.type:
        yield from _wrong_type(scene, key, name, kind)
    else:
        yield from _of_known(scene, key, name, kind, look)


def _of_known(scene: Scene, key: str, name: str, kind: KeyKind, look: Look) -> Iterator[Breach]:
    if kind.ttl_s is not None and look[1] == -1:
        yield from _endless(scene, key, name, kind.ttl_s)
    if kind.name == "bell" and look[2] > 1:
        yield from _many_tokens(scene, key, name)
    if kind.name == "inflight":
        scene.owners.add(key.removeprefix(scene.keys.inflight("")))
    if kind.name == "queue":
        queue = key.removeprefix(scene.keys.queue(""))
        scene.queues.add(queue)
        yield from _unlisted(scene, name, queue)


def _wrong_type(scene: Scene, key: str, name: str, kind: KeyKind) -> Iterator[Breach]:
    found = scene.look([key])[0][0]
    if found not in (kind.type, "none"):
        advice = "another program has written it: what should lie there cannot. Look at it, move it away by RENAME"
        yield Breach("type", f"the key {name!r} is a {found}; expected a {kind.type}", advice)


def _endless(scene: Scene, key: str, name: str, ttl_s: int) -> Iterator[Breach]:
    if scene.look([key])[0][1] == -1:
        yield Breach(
            "endless",
            f"the key {name!r} never ends",
            "it takes memory for ever; mended, it ends after the time that is usual for its kind",
            mend=lambda: bool(scene.wire.command("EXPIRE", key, ttl_s)),
        )


def _many_tokens(scene: Scene, key: str, name: str) -> Iterator[Breach]:
    tokens = scene.look([key])[0][2]
    if tokens > 1:
        yield Breach(
            "bell",
            f"the bell {name!r} has {tokens} tokens; expected 1 at most",
            "workers wake up for nothing; mended, one is left",
            mend=lambda: scene.wire.command("LTRIM", key, 0, 0) is not None,
        )


def _unlisted(scene: Scene, name: str, queue: str) -> Iterator[Breach]:
    """Pushing and clearing change both in one step; who looks at both in two must look at the first again."""

    def listed() -> bool:
        return bool(told(scene.wire, 1, "SISMEMBER", scene.keys.queues, queue))

    if not listed() and scene.look([scene.keys.queue(queue)])[0][0] == "list" and not listed():
        yield Breach(
            "unlisted",
            f"the queue {name!r} is not listed in 'queues'",
            "pages, statistics and searches do not see its jobs; mended, it is listed",
            mend=lambda: scene.wire.command("SADD", scene.keys.queues, queue) is not None,
        )


# -- leases ----------------------------------------------------------------------------------------------------


def leases(scene: Scene) -> Iterator[Breach]:
    """Jobs in flight without a lease, leases that are too long, and those that have ended and nobody has noticed."""
    for owner in sorted(scene.owners):
        yield from _unleased(scene, owner)
    workers: int | None = None
    for owner, end_ms in _owners(scene):
        ahead_s = (end_ms - scene.now_ms()) / 1000
        if ahead_s > scene.longest_s + SLACK_S:
            yield from _too_long(scene, owner)
        elif ahead_s < -OVERDUE_S:
            workers = len(living(scene.wire, scene.keys, scene.now_ms() / 1000)) if workers is None else workers
            yield from _overdue(scene, owner, workers)


def _owners(scene: Scene) -> Iterator[tuple[str, float]]:
    cursor: Any = b"0"
    while True:
        cursor, page = told(scene.wire, (b"0", []), "ZSCAN", scene.keys.owners, cursor, "COUNT", PAGE)
        for owner, end_ms in pairs(page):
            yield owner.decode("utf-8", "replace"), float(end_ms)
        if int(cursor) == 0:
            return


def _unleased(scene: Scene, owner: str) -> Iterator[Breach]:
    names = [scene.keys.owners, scene.keys.inflight(owner)]

    def adopt(mend: int) -> int:
        try:
            return int(scene.wire.run(load("adopt"), names, [owner, mend]))
        except Exception as error:
            if is_wrong_type(error):
                return 0  # that is told, too, and first
            raise

    held = adopt(0)
    if held:
        yield Breach(
            "no lease",
            f"{owner} holds {held} jobs without a lease",
            "nobody gives them back; mended, any live worker does, and counts no crash against them",
            mend=lambda: adopt(1) > 0,
        )


def _too_long(scene: Scene, owner: str) -> Iterator[Breach]:
    end = scene.wire.command("ZSCORE", scene.keys.owners, owner)
    now_ms = scene.now_ms()
    ahead_s = (float(end or 0) - now_ms) / 1000
    if ahead_s > scene.longest_s + SLACK_S:

        def cut() -> bool:
            limit = round(scene.now_ms() + scene.longest_s * 1000)
            return scene.wire.command("ZADD", scene.keys.owners, "XX", "LT", limit, owner) is not None

        yield Breach(
            "lease",
            f"the lease of {owner} ends in {ahead_s:.1f} s; the longest is {scene.longest_s:g} s",
            "its jobs would wait for so long if it dies; mended, it is cut to the longest",
            mend=cut,
        )


def _overdue(scene: Scene, owner: str, workers: int) -> Iterator[Breach]:
    """With nobody there to notice, an ended lease is no wonder."""
    end = scene.wire.command("ZSCORE", scene.keys.owners, owner) if workers else None
    past_s = 0.0 if end is None else (scene.now_ms() - float(end)) / 1000
    if past_s > OVERDUE_S:
        yield Breach(
            "overdue",
            f"the lease of {owner} ended {past_s:.0f} s ago, and none of {workers} live workers has taken its jobs",
            "look into the log of the workers for errors of the recovery, and start one of this version",
        )


# -- jobs ------------------------------------------------------------------------------------------------------


def twice(scene: Scene) -> Iterator[Breach]:
    """Jobs that lie in more than one place. Not mended: which of them is the one is nothing that a program knows."""
    listed = _members(scene)
    census = scene.census = Census(scene.wire, scene.keys)
    for one in census.twice(sorted(scene.queues | listed), sorted(scene.owners)):
        yield Breach(
            "twice",
            f"job {one.jid} lies in {len(one.labels)} places: {', '.join(one.labels)}",
            "it would run more than once: delete all but one",
        )
    if not census.complete:
        yield Breach("twice", "over 1,000 jobs seem to lie in several places; the others were not looked at")


def _members(scene: Scene) -> set[str]:
    found: set[str] = set()
    cursor: Any = b"0"
    while True:
        cursor, page = told(scene.wire, (b"0", []), "SSCAN", scene.keys.queues, cursor, "COUNT", PAGE)
        found.update(name.decode("utf-8", "replace") for name in page)
        if int(cursor) == 0:
            return found


def _is_text(key: bytes) -> bool:
    try:
        key.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)

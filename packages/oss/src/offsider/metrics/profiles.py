"""Profiles of single runs: kept for a day in Redis, compressed, and read again. Makes none itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import clock
from ..errors import Malformed, NotJson
from ..store.classify import store_errors
from ..store.connection import Connections
from ..store.keys import Keys

KEPT_S = 24 * 3600
MOST_BYTES = 8_000_000
MOST_LISTED = 1000
FORMAT = "pyinstrument"

_FACTS = ("token", "jid", "type", "queue", "started_at", "elapsed", "size", "failed", "format")


@dataclass(frozen=True, slots=True)
class Profile:
    """One run of one job.

    Attributes:
        token: What the option ``profile`` said.
        jid: The job's id.
        job: The job's name.
        queue: Where it was taken from.
        started_at: When the run began.
        elapsed_s: How long it took.
        failed: The class of the error that it ended with; empty when it ended well.
        size: Bytes in Redis.
        format: Who can read ``data``: ``pyinstrument``; empty for one of Ruby's.
        data: JSON, compressed by gzip; None in a list.
    """

    token: str
    jid: str
    job: str
    queue: str
    started_at: datetime
    elapsed_s: float
    failed: str
    size: int
    format: str = FORMAT
    data: bytes | None = None

    @property
    def name(self) -> str:
        """``TOKEN-JID``: what to ask for it by."""
        return f"{self.token}-{self.jid}"

    def json(self) -> bytes:
        """The profile as it was recorded: pyinstrument's session as JSON."""
        return gzip.decompress(self.data or b"")

    def text(self) -> str:
        """The tree of calls with their times, for a terminal.

        Raises:
            Malformed: It is another profiler's.
        """
        from pyinstrument.renderers import ConsoleRenderer

        return str(ConsoleRenderer(unicode=True, color=False).render(self._session()))

    def html(self) -> str:
        """A page that needs no other; its script is within.

        Raises:
            Malformed: It is another profiler's.
        """
        from pyinstrument.renderers import HTMLRenderer

        return str(HTMLRenderer().render(self._session()))

    def speedscope(self) -> str:
        """JSON for the viewer speedscope.

        Raises:
            Malformed: It is another profiler's.
        """
        from pyinstrument.renderers import SpeedscopeRenderer

        return str(SpeedscopeRenderer().render(self._session()))

    def _session(self) -> Any:
        if self.format != FORMAT:
            raise Malformed(f"the profile {self.name} is not pyinstrument's: read its data with json()")
        from pyinstrument.session import Session

        return Session.from_json(json.loads(self.json()))


class Profiles:
    """What ``app.profiles`` is: the profiles of the last day.

    Example:
        >>> for profile in app.profiles.all():                  # doctest: +SKIP
        ...     print(profile.name, profile.job, profile.elapsed_s)
        >>> print(app.profiles.get("slow-b4a577ed").text())     # doctest: +SKIP
    """

    def __init__(self, connections: Connections, keys: Keys) -> None:
        self._connections = connections
        self._keys = keys

    def all(self) -> list[Profile]:
        """All of them without their data, the newest first; a thousand at most.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with store_errors():
            redis = self._connections.admin()
            redis.zremrangebyscore(self._keys.profiles, "-inf", clock.now_s())
            names: Any = redis.zrevrange(self._keys.profiles, 0, MOST_LISTED - 1)
            pipe = redis.pipeline(transaction=False)
            for name in names:
                pipe.hmget(self._key(name.decode("utf-8", "replace")), *_FACTS)
            replies = pipe.execute()
        found = [_profile(dict(zip(_FACTS, reply, strict=True))) for reply in replies]
        return [one for one in found if one is not None]

    def get(self, name: str) -> Profile | None:
        """One with its data; None when it is gone.

        Args:
            name: ``TOKEN-JID``.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with store_errors():
            redis = self._connections.admin()
            if redis.zscore(self._keys.profiles, name) is None:  # a name may come from anywhere, and meet any key
                return None
            fields: Any = redis.hmget(self._key(name), *_FACTS, "data")
        return _profile(dict(zip((*_FACTS, "data"), fields, strict=True)))

    def delete(self, name: str) -> bool:
        """True when it was there. What is in no list is no profile, and stays, whatever its name.

        Raises:
            StoreError: Redis is away or refuses; it may be repeated.
        """
        with store_errors():
            redis = self._connections.admin()
            if redis.zscore(self._keys.profiles, name) is None:
                return False
            pipe = redis.pipeline(transaction=True)
            pipe.zrem(self._keys.profiles, name)
            pipe.unlink(self._key(name))
            return bool(pipe.execute()[0])

    def keep(self, profile: Profile) -> None:
        """Keep one for a day; the second run of a job under the same token takes the place of the first.

        Raises:
            NotJson: Its data is over 8 MB: the run was too long to be profiled.
            StoreError: Redis is away or refuses; it may be repeated.
        """
        data = profile.data or b""
        if len(data) > MOST_BYTES:
            raise NotJson(f"the profile {profile.name} has {len(data):,} bytes; the most is {MOST_BYTES:,}")
        fields: dict[Any, Any] = {
            "started_at": profile.started_at.timestamp(), "token": profile.token, "type": profile.job,
            "jid": profile.jid, "filename": f"{profile.name}.json.gz", "elapsed": profile.elapsed_s, "data": data,
            "size": len(data), "sid": "", "format": profile.format, "queue": profile.queue, "failed": profile.failed,
        }  # fmt: skip
        key = self._keys.profile(profile.token, profile.jid)
        with store_errors():
            pipe = self._connections.admin().pipeline(transaction=True)
            pipe.hset(key, mapping=fields)
            pipe.expire(key, KEPT_S)
            pipe.zadd(self._keys.profiles, {profile.name: clock.now_s() + KEPT_S})
            pipe.execute()

    def _key(self, name: str) -> str:
        token, _, jid = name.rpartition("-")
        return self._keys.profile(token, jid)


def _profile(fields: Mapping[str, bytes | None]) -> Profile | None:
    if fields["token"] is None or fields["jid"] is None:
        return None
    text = {name: (value or b"").decode("utf-8", "replace") for name, value in fields.items() if name != "data"}
    return Profile(
        text["token"], text["jid"], text["type"], text["queue"],
        datetime.fromtimestamp(_number(text["started_at"]), UTC), _number(text["elapsed"]), text["failed"],
        int(_number(text["size"])), text["format"], fields.get("data"),
    )  # fmt: skip


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # Ruby wrote another form; what it says stands beside

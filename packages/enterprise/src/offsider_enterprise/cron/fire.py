"""Enqueues a run of an entry: through the client middleware, as every job, and in one script with its note."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offsider.client.push import Client
from offsider.errors import OffsiderError, StoreError
from offsider.store.composer import Composer

from ..config import settings_of
from ..keys import EnterpriseKeys
from ..scripts import script_of
from .effect import FIELD, CronEffect, Firing, NotFired
from .entry import Entry, bound
from .missed import decide
from .run import BY_HAND, ENQUEUED, LEFT_OUT, REFUSED, Run

if TYPE_CHECKING:
    from offsider import App
    from offsider.shards import Shard
    from offsider.store.connection import Connections
    from offsider.store.wire import Argument, Wire

log = logging.getLogger("offsider.enterprise")

MOST_SAID = 300


class Fire:
    """Does what is to be done about entries that are due, for one app.

    Args:
        app: Whose.
        effect: Is told which push is a run.
        place: The Redis in which the entries lie: the app's own when None, or one of its shards'.
    """

    def __init__(self, app: App, effect: CronEffect, place: Shard | None = None) -> None:
        self._app = app
        self._place: App | Shard = place or app
        self._effect = effect
        self._client: Client | None = None
        self._connections: Connections | None = None
        self._keep = settings_of(app).cron_history
        self._own = EnterpriseKeys(self._place.keys)
        self._pass = script_of(app, "cron_pass")

    def due(self, wire: Wire, entry: Entry, due_s: float, now_s: float) -> int:
        """Do what is due of an entry; how many jobs were enqueued.

        Args:
            wire: A connection.
            entry: The entry, as it lies in Redis.
            due_s: The first instant that is not done.
            now_s: Now, by the server's clock.

        Raises:
            StoreError: Redis is away or refuses: it may be repeated, and nothing is done twice.
        """
        schedule = entry.schedule
        doing = decide(schedule, int(due_s), now_s, missed=entry.missed, window_s=entry.window_s)
        at_s = due_s
        if doing.left_out is not None:
            next_s = doing.runs[0] if doing.runs else doing.next_s
            if not self._leave_out(wire, entry, due_s, next_s, doing.left_out, now_s):
                return 0
            at_s = next_s
        enqueued = 0
        for instant in doing.runs:
            next_s = schedule.after(instant)
            if not self._enqueue(wire, entry, at_s, next_s, instant, now_s):
                break
            enqueued, at_s = enqueued + 1, next_s
        return enqueued

    def by_hand(self, entry: Entry, now_s: float, by: str) -> str | None:
        """Enqueue a run now, whenever the entry is due; the job's id, or None when something stopped it.

        Raises:
            OffsiderError: It cannot be enqueued.
        """
        at_s = int(now_s * 1000) / 1000 + 0.0005  # no instant of an entry is a half of a millisecond
        return self._push(entry, Run(BY_HAND, at_s, now_s, said=by), rev="", due_s=0, next_s=0)

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._client.close()

    # -- steps -------------------------------------------------------------------------------------------------

    def _enqueue(self, wire: Wire, entry: Entry, due_s: float, next_s: float, instant: int, now_s: float) -> bool:
        try:
            jid = self._push(entry, Run(ENQUEUED, instant, now_s), rev=entry.rev, due_s=due_s, next_s=next_s)
        except NotFired as error:
            log.debug("%s", error)
            self._go_on(wire, entry, due_s, next_s, None)  # a run that was there before holds nothing up
            return False
        except StoreError:
            raise
        except Exception as error:
            # Whatever it is, it will be so again: the entry goes on, and its history says what is wrong.
            said = f"{type(error).__name__}: {error}"[:MOST_SAID]
            log.error(
                "cron entry %r was not enqueued: %s", entry.name, said, exc_info=not isinstance(error, OffsiderError)
            )
        else:
            if jid is not None:
                return True
            said = "a client middleware stopped it, or the job is unique and there is one already"
            log.info("cron entry %r was not enqueued: %s", entry.name, said)
        return self._go_on(wire, entry, due_s, next_s, Run(REFUSED, instant, now_s, said=said))

    def _push(self, entry: Entry, run: Run, *, rev: str, due_s: float, next_s: float) -> str | None:
        target, args, kwargs = bound(self._app, entry)
        request = target.request(*args, **kwargs)
        record: dict[str, Any] = request.record
        record[FIELD] = {"name": entry.name, "at": run.at_s}
        jid = str(record["jid"])
        run = Run(run.what, run.at_s, run.done_s, jid, run.said)
        with self._effect.firing(jid, Firing(entry.name, rev, due_s, next_s, run, self._keep)):
            return self._pusher().push(request)

    def _pusher(self) -> Client:
        """The way to the Redis in which the entry lies: a run that cannot be enqueued there is not kept elsewhere."""
        app, place = self._app, self._place
        if self._client is None or self._connections is not place.connections:
            self._connections = place.connections
            deadline_s = app.settings.redis.push_deadline_s
            given = (place.connections, place.keys, app.accept, app.scripts["push"], Composer(app.effects, place.keys))
            self._client = Client(*given, push_deadline_s=deadline_s)
        return self._client

    def _leave_out(
        self, wire: Wire, entry: Entry, due_s: float, next_s: float, left_out: tuple[int, int], now_s: float
    ) -> bool:
        first, last = (Run(LEFT_OUT, instant, now_s) for instant in left_out)
        said = "" if left_out[0] == left_out[1] else f"and all since {first.at.isoformat()}"
        done = self._go_on(wire, entry, due_s, next_s, Run(LEFT_OUT, left_out[1], now_s, said=said))
        if done:
            log.warning(
                "cron entry %r: nobody was there for its runs from %s to %s; they are left out (missed = %r)",
                entry.name,
                first.at.isoformat(),
                last.at.isoformat(),
                entry.missed,
            )
        return done

    def _go_on(self, wire: Wire, entry: Entry, due_s: float, next_s: float, run: Run | None) -> bool:
        own, name = self._own, entry.name
        keys = [own.cron_due, own.cron_entry(name), own.cron_runs(name)]
        words: list[Argument] = [
            name,
            entry.rev,
            due_s,
            next_s,
            *((run.at_s, run.to_json()) if run else (0, "")),
            self._keep,
        ]
        return bool(wire.run(self._pass, keys, words))

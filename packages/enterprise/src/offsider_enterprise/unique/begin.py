"""Around the body of a unique job: its lock may end here, one that was replaced does not run, inline runs lock, too."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from offsider import Cancel
from offsider.contract.effects import DISCARDED, DONE, PUSH
from offsider.contract.middleware import NextAsync, NextSync, ServerMiddleware
from offsider.contract.work import Hold
from offsider.errors import StoreError

from .effect import FIELD, UniqueLock, inline_call
from .keys import UniqueKeys
from .option import DEBOUNCE, REPLACE, START
from .scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.record import Record
    from offsider.store.wire import Argument

log = logging.getLogger("offsider.enterprise")

GO, REPLACED, NOT_OURS = 1, 2, 0
AWAY_S = 2.0
LONGEST_INLINE_S = 3600.0
REPLACED_REASON = "another job has taken its place"


class BeginUnique(ServerMiddleware):
    """Asks Redis before the body, but only for jobs that need it: until ``start``, or replaceable, or inline.

    Args:
        app: Whose jobs.
        lock: The effect, which words the refusal of an inline run.
    """

    fields = frozenset({FIELD})

    def __init__(self, app: App, lock: UniqueLock) -> None:
        self._app = app
        self._lock = lock

    def call(self, execution: Any, next: NextSync) -> Any:
        """Around a ``def`` job."""
        if in_test(self._app):
            return next(execution)
        if not hasattr(execution, "unit"):
            return self._inline(execution, next)
        if asks(execution.record) and self._begin(execution) == REPLACED:
            return Cancel(REPLACED_REASON)
        return next(execution)

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Around an ``async def`` job; the loop does not wait for Redis."""
        if in_test(self._app):
            return await next(execution)
        if not hasattr(execution, "unit"):
            return await self._ainline(execution, next)
        if asks(execution.record) and await asyncio.to_thread(self._begin, execution) == REPLACED:
            return Cancel(REPLACED_REASON)
        return await next(execution)

    # -- in a worker ---------------------------------------------------------------------------------------

    def _begin(self, execution: Any) -> int:
        """One request; once more when the fetcher goes by another name by now."""
        owner = execution.capsule.fetcher.owner
        answer = self._ask(execution, owner)
        other = execution.capsule.fetcher.owner
        return self._ask(execution, other) if answer == NOT_OURS and other != owner else answer

    def _ask(self, execution: Any, owner: str) -> int:
        app, record = self._app, execution.record
        keys, own = app.keys, UniqueKeys(app.keys)
        names = [keys.owners, keys.inflight(owner), own.locks, own.deadlines, own.waiting, own.replaced]
        words: list[Argument] = [owner, execution.unit.field, record[FIELD], record["jid"], record["unique_until"]]
        try:
            with app.desk.wire() as wire:
                return int(wire.run(script_of(app, "unique_begin"), names, words))
        except StoreError as error:
            raise Hold(f"Redis does not answer whether it may begin: {error}", delay_s=AWAY_S) from error

    # -- inline --------------------------------------------------------------------------------------------

    def _inline(self, execution: Any, next: NextSync) -> Any:
        if not self._take(execution.record):
            return None
        move = DISCARDED
        try:
            result = next(execution)
            move = DONE
            return result
        finally:
            self._give(execution.record, move)

    async def _ainline(self, execution: Any, next: NextAsync) -> Any:
        if not await self._atake(execution.record):
            return None
        move = DISCARDED
        try:
            result = await next(execution)
            move = DONE
            return result
        finally:
            await asyncio.to_thread(self._give, execution.record, move)

    async def _atake(self, record: Record) -> bool:
        taking = asyncio.ensure_future(asyncio.to_thread(self._take, record))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # the thread ends what it does: what it has taken then is given back
                if await taking:
                    await asyncio.to_thread(self._give, record, DISCARDED)
            raise

    def _take(self, record: Record) -> bool:
        """Take the lock for as long as the body runs; an hour at most where the option does not say."""
        record.setdefault("unique_for", LONGEST_INLINE_S)
        reply = self._hold(record, PUSH, "take")
        if reply == [1]:
            return True
        error = self._lock.refused(record, reply[3].decode("utf-8", "replace"))
        if error is not None:
            raise error
        return False

    def _give(self, record: Record, move: str) -> None:
        try:
            self._hold(record, move, "give")
        except StoreError as error:
            log.warning("the lock %s of an inline run ends by its time: %s", record[FIELD], error)

    def _hold(self, record: Record, move: str, word: str) -> Any:
        app = self._app
        call = inline_call(move, record, app.keys)
        request = app.composer.request(script_of(app, "unique_hold"), [], [word], [(0, call)])
        with app.desk.wire() as wire:
            return wire.run(*request)


def in_test(app: App) -> bool:
    """True while a test keeps the jobs of an app in memory: there is no Redis, and no lock."""
    modes = sys.modules.get("offsider.testing.modes")  # not loaded: no test
    return modes is not None and isinstance(app.pusher, modes.TestMode)


def asks(record: Record) -> bool:
    """True for a job that must ask before it begins.

    Example:
        >>> asks({"unique_until": "start"}), asks({"unique_until": "success", "unique_policy": "throttle"})
        (True, False)
    """
    return record.get("unique_until") == START or record.get("unique_policy") in (REPLACE, DEBOUNCE)

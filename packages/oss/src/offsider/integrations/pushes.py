"""The pushes after one commit. Nobody but their error has the requests any more: it repeats all that is in doubt.

Knows no database: both kinds of transactions end here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..client.push import batches
from ..errors import EnqueueUncertain, StoreError, TooFewCopies
from ..job.define import BATCH

if TYPE_CHECKING:
    from ..app import App
    from ..job.push import PushRequest

Jids = list[str | None]


class Pushes:
    """All that a transaction has enqueued, as few trips to Redis as can be.

    * what has had its answer is not sent again;
    * behind a trip without an answer the others of its app are not tried: they are in doubt with it;
    * an app whose Redis is away holds up no other app.

    Args:
        entries: Apps, each with requests that client middleware has accepted.
    """

    def __init__(self, entries: Iterable[tuple[App, Sequence[PushRequest]]]) -> None:
        requests: dict[App, list[PushRequest]] = {}
        for app, its in entries:
            requests.setdefault(app, []).extend(its)
        self._lines = [_Line(app, its) for app, its in requests.items()]

    def go(self) -> Jids:
        """Make the trips that are left; the ids of all jobs.

        Raises:
            EnqueueUncertain: Something is in doubt; its `again` makes what is left.
            RedisRefused: Redis said no.
            TooFewCopies: All jobs are there, but too few replicas have some of them.
        """
        errors: list[Exception] = []
        for line in self._lines:
            try:
                line.go()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised once the other apps have had their turn
                errors.append(error)
        return self._end(errors)

    async def ago(self) -> Jids:
        """The same on an event loop."""
        errors: list[Exception] = []
        for line in self._lines:
            try:
                await line.ago()
            except Exception as error:  # noqa: BLE001 - as above
                errors.append(error)
        return self._end(errors)

    def _end(self, errors: Sequence[Exception]) -> Jids:
        jids = [jid for line in self._lines for jid in line.jids]
        doubt = next((error for error in errors if isinstance(error, EnqueueUncertain)), None)
        if doubt is not None:
            told = "; ".join(str(error) for error in errors)
            raise EnqueueUncertain(told, jids, again=self.go, aagain=self.ago) from doubt
        if errors:
            for other in errors[1:]:
                errors[0].add_note(f"and of another app: {other}")
            raise errors[0]
        return jids


class _Line:
    """The trips of one app, in order."""

    def __init__(self, app: App, requests: Sequence[PushRequest]) -> None:
        pusher = app.pusher
        self.jids: Jids = [request.record["jid"] for request in requests]
        self._done = 0
        self._few: TooFewCopies | None = None
        self._trips: list[tuple[Callable[[], Jids], Callable[[], Awaitable[Jids]]]] = [
            (partial(pusher.push_many, some, BATCH), partial(pusher.apush_many, some, BATCH))
            for some in batches(requests, BATCH)
        ]

    def go(self) -> None:
        """Make those that are left."""
        while self._trips:
            try:
                self._took(self._trips[0][0]())
            except StoreError as error:
                self._failed(error)
        self._check_copies()

    async def ago(self) -> None:
        """The same on an event loop."""
        while self._trips:
            try:
                self._took(await self._trips[0][1]())
            except StoreError as error:
                self._failed(error)
        self._check_copies()

    def _took(self, jids: Jids) -> None:
        self.jids[self._done : self._done + len(jids)] = jids
        self._done += len(jids)
        del self._trips[0]

    def _failed(self, error: StoreError) -> None:
        if isinstance(error, TooFewCopies):  # its jobs are there
            self._few = error
            self._took(error.jids)
            return
        if isinstance(error, EnqueueUncertain):
            self._trips[0] = error.again, error.aagain
        raise error

    def _check_copies(self) -> None:
        few, self._few = self._few, None
        if few is not None:
            raise few

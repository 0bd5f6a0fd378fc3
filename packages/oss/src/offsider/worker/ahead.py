"""The lease fetcher that reads ahead: a request is on its way while the jobs of the last one are prepared and run.

Short jobs are over before Redis has answered: without it, threads and Redis wait for each other in turns. How far
ahead is the capsule's to say: what is on its way counts as work in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..contract.work import Fenced, ReadsAhead, Settlement, UnitOfWork
from ..store.scripts import Script
from ..store.wire import Argument
from .fetch import MOST_SETTLED, MOST_TAKEN, LeaseFetcher, back_last, go_back


@dataclass(slots=True)
class _Sent:
    """A request whose reply was not looked at yet."""

    request: tuple[Script, Sequence[str], list[Argument]]
    names: list[str]
    number: int


class ReadAheadFetcher(LeaseFetcher, ReadsAhead):
    """What is settled with a request on its way is kept until its reply is here, and sent again if it never comes."""

    _sent: _Sent | None = None
    _unconfirmed: Sequence[Settlement] = ()

    @property
    def ahead(self) -> bool:
        """True when a request is on its way."""
        return self._sent is not None

    def begin(self, settled: Sequence[Settlement], want: int) -> bool:
        """Send an exchange; `finish` has its jobs. The settlements are this fetcher's care from here on.

        Returns:
            False when this is no moment for it: nothing was sent, and nothing taken over.

        Raises:
            StoreError: Redis is away; the next exchange settles and finds what is to be found.
        """
        if self._in_doubt or self._found or self._sent is not None or len(settled) > MOST_SETTLED:
            return False
        settled, want = back_last(settled), min(want, MOST_TAKEN)
        held = self._held_now()
        if go_back(settled, held):
            return False
        keys, names, number = self._request(want, held)
        request = self._exchange_of(settled, keys, self._arguments(settled, want, number, names))
        self._unconfirmed = settled
        self._doubt(number)
        self._wire.send(*request)
        self._sent = _Sent(request, names, number)
        return True

    def finish(self) -> list[UnitOfWork]:
        """The jobs of the request on its way; waits for its reply.

        Raises:
            Fenced: The lease was lost.
            StoreError: The reply was lost; the next exchange finds what it took.
        """
        sent, self._sent = self._sent, None
        if sent is None:
            return []
        reply = self._wire.receive(*sent.request)
        units = self._taken(reply, sent.names, sent.number)
        self._unconfirmed = ()
        return units

    def exchange(self, settled: Sequence[Settlement], want: int) -> list[UnitOfWork]:
        """`LeaseFetcher.exchange`, after what is on its way."""
        if self._sent is not None:
            self._found += self.finish()
        if not self._unconfirmed:
            return super().exchange(settled, want)
        units = super().exchange([*self._unconfirmed, *settled], want)
        self._unconfirmed = ()
        return units

    def pass_on(self) -> None:
        """`LeaseFetcher.pass_on`; the reply on its way comes first on the same connection."""
        if self._sent is not None:
            self._found += self.finish()
        super().pass_on()

    def retire(self, back: Sequence[UnitOfWork], abandoned: Sequence[UnitOfWork]) -> None:
        """`LeaseFetcher.retire`, after what is on its way is settled and taken."""
        self._found += self.exchange((), 0)
        super().retire(back, abandoned)

    def _fenced(self) -> Fenced:
        self._sent, self._unconfirmed = None, ()
        return super()._fenced()

"""What becomes of pushes that Redis does not answer: the value that is kept, and what a keeper must do. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..store.connection import Connections
    from ..store.keys import Keys
    from ..store.wire import Argument

FORM = 1
"""What `Undelivered.words` mean, as a number: who keeps them for a later version of this package keeps it, too."""


@dataclass(slots=True)
class Undelivered:
    """One push that was not answered, complete: the script ``push`` does it, whoever runs it.

    Attributes:
        jids: The ids of its jobs; None for those that a middleware stopped.
        keys, words: The script's. The lane is the first key, its number the first word, and for how many seconds Redis
            remembers it the second.
        in_doubt: True when Redis may have done it: only under its very lane and number it is not done twice, and only
            for as long as Redis remembers the lane. Else it may be sent `under` any other.
        memory: With calls of effects: the index of the key that remembers what they have refused. The script is the
            one that `offsider.store.composer.Composer.script` makes of ``push``.
    """

    jids: list[str | None]
    keys: list[str]
    words: list[Argument]
    in_doubt: bool
    memory: int | None = None

    @property
    def jobs(self) -> int:
        """How many jobs it has."""
        return sum(jid is not None for jid in self.jids)

    @property
    def looking(self) -> list[Argument]:
        """Its words, for a script that looks at each key before it writes: what it then answers no to was not begun.

        Example:
            >>> Undelivered(["j1"], ["{shop}:lane:own", "{shop}:queues"], [7, 3600, 10], in_doubt=False).looking
            [7, 3600, '+10']
        """
        number, remember_s, first_letter, *its = self.words
        return [number, remember_s, f"+{int(first_letter)}", *its]

    def under(self, keys: Keys, lane: str, number: int, remember_s: int) -> None:
        """Send it under another lane.

        Args:
            keys: Of the namespace.
            lane: The id of a lane that nobody else uses.
            number: Higher than all that were sent under it before.
            remember_s: For how long Redis remembers the lane.

        Example:
            >>> from offsider.store.keys import Keys
            >>> push = Undelivered(["j1"], ["{shop}:lane:old", "{shop}:queues"], [7, 3600, 10], in_doubt=False)
            >>> push.under(Keys("shop"), "new", 1, 86_400)
            >>> push.keys[0], push.words
            ('{shop}:lane:new', [1, 86400, 10])
        """
        self.keys[0], self.words[0], self.words[1] = keys.lane(lane), number, remember_s
        if self.memory is not None:
            self.keys[self.memory] = keys.refusals(self.keys[0])


class Keeper(Protocol):
    """Keeps pushes until Redis is back, for one Redis and namespace; used by any thread.

    Attributes:
        patience_s: How long a push is tried before it is kept; None for as long as it is tried without a keeper.
        remember_s: For how long Redis is to remember each push: a push in doubt is known for so long.
        holds: True while it keeps pushes of this process: later ones go behind them. Asked before each push.
    """

    patience_s: float | None
    remember_s: int
    holds: bool

    def keep(self, push: Undelivered) -> None:
        """Keep it, so that it is delivered whatever happens to this process.

        Raises:
            NotKept: It cannot; says why and what to do.
        """

    async def akeep(self, push: Undelivered) -> None:
        """`keep`, on an event loop."""

    def close(self) -> None:
        """Let go of files and connections; what is kept stays kept. Tolerates twice."""


MakeKeeper = Callable[[Any, "Connections", "Keys"], Keeper | None]
"""A function of the app and of one Redis of it; gives who keeps what that one does not answer, or nobody."""


def nobody(_app: Any, _connections: Connections, _keys: Keys) -> None:
    """The free edition's: whoever enqueues gets `EnqueueUncertain`, which can repeat the very same request.

    Example:
        >>> nobody(None, None, None) is None
        True
    """

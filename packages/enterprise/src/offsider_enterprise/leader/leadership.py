"""Who leads: the term of this process, if it has one, and what Redis says of all. Stands for no election itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offsider import clock
from offsider.contract.seams import Registry

from ..errors import NotLeader
from ..keys import EnterpriseKeys
from ..scripts import script_of

if TYPE_CHECKING:
    from offsider import App
    from offsider.store.scripts import Script
    from offsider.store.wire import Argument

    from .duty import Duty


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads now, by the server's clock.

    Attributes:
        identity: The process: ``host:pid:nonce``.
        number: Of its term: each is higher than those before it.
        since_s: Since when, epoch seconds.
        left_s: How long it leads even if it dies now.
    """

    identity: str
    number: int
    since_s: float
    left_s: float


class Term:
    """The time for which this process leads; made by the election, never by hand.

    Attributes:
        identity: This process.
        number: Of the term; no other one has it.
    """

    def __init__(self, app: App, identity: str, number: int, until_s: float) -> None:
        self.identity = identity
        self.number = number
        self._app = app
        self._until_s = until_s

    def __repr__(self) -> str:
        return f"<Term {self.number} of {self.identity}>"

    @property
    def holds(self) -> bool:
        """True while nobody else can lead, as far as this process knows; a frozen one knows when it wakes."""
        return clock.monotonic_s() < self._until_s

    def prolong(self, until_s: float) -> None:
        """The lease was renewed: it ends at ``until_s``, on the monotonic clock."""
        self._until_s = until_s

    def end(self) -> None:
        """It is over."""
        self._until_s = 0.0

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """Run a script that `fenced` has made; what the write in it returns.

        Args:
            script: The script.
            keys, arguments: Those of the write.

        Raises:
            NotLeader: The term is over: nothing was changed.
            StoreError: Redis is away or refuses.
        """
        leader = EnterpriseKeys(self._app.keys).leader
        words: list[Argument] = [self.identity, self.number, *arguments]
        with self._app.desk.wire() as wire:
            reply = wire.run(script, [leader, *keys], words)
        if not reply[0]:
            self.end()
            raise NotLeader(
                f"{script.name} was not done: term {self.number} of {self.identity} is over. Another process leads, and"
                " does what there is to do"
            )
        return reply[1] if len(reply) > 1 else None


class Leadership:
    """Of one app in one process.

    Attributes:
        duties: What the leader does besides; open until a worker starts.

    Example:
        >>> found = leadership(app)                                             # doctest: +SKIP
        >>> found.duties.add("sweep", Duty(sweep, every_s=60), by="the app")    # doctest: +SKIP
        >>> found.leads                                                         # doctest: +SKIP
        False
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._term: Term | None = None
        self.duties: Registry[Duty] = Registry("leader_duties")

    @property
    def term(self) -> Term | None:
        """The term of this process; None when it does not lead."""
        term = self._term
        return term if term is not None and term.holds else None

    @property
    def leads(self) -> bool:
        """True while this process leads. For decisions that may be wrong now and then: writes go through `Term.run`."""
        return self.term is not None

    def current(self) -> Leader | None:
        """Who leads, whichever process that is; None between two terms.

        Raises:
            StoreError: Redis is away or refuses.
        """
        with self._app.desk.wire() as wire:
            seconds, microseconds = wire.command("TIME")
            key = EnterpriseKeys(self._app.keys).leader
            holder, number, since, until = wire.command("HMGET", key, "holder", "number", "since", "until")
        left_s = int(until or 0) / 1000 - int(seconds) - int(microseconds) / 1e6
        if holder is None or left_s <= 0:
            return None
        return Leader(holder.decode("utf-8", "replace"), int(number), int(since or 0) / 1000, left_s)

    def begin(self, identity: str, number: int, until_s: float) -> Term | None:
        """This process leads until ``until_s`` on the monotonic clock; the term, when it is a new one."""
        term = self._term
        if term is not None and (term.identity, term.number) == (identity, number):
            term.prolong(until_s)
            return None
        self._term = Term(self._app, identity, number, until_s)
        return self._term

    def over(self, identity: str) -> Term | None:
        """A worker of this process does not lead any more; its term, if it had one."""
        term = self._term
        if term is None or term.identity != identity:
            return None
        self._term = None
        term.end()
        return term

    def __repr__(self) -> str:
        return f"<Leadership {self.term or 'of another process, or nobody'}>"


def leadership(app: App) -> Leadership:
    """The leadership of an app, as this process sees it.

    Raises:
        EditionError: The app was made without this edition.

    Example:
        >>> leadership(app).current()       # doctest: +SKIP
        Leader(identity='web1:4711:0123456789ab', number=7, since_s=1755432000.1, left_s=12.4)
    """
    from ..parts import parts_of

    script_of(app, "leader_stand")  # raises when the edition is not there
    return parts_of(app).leadership

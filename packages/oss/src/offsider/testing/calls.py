"""The suite for the calls of effects: what travels with a settlement is done with it, once, or not at all.

As `offsider.testing.conformance`, and beside it, for whoever fills the fetcher slot: under a fetcher that ignores
``Settlement.calls`` locks and slots of jobs that have ended are never given back.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ..api.search import pairs
from ..contract.effects import Call, Effect
from ..contract.seams import Registry
from ..contract.work import Fenced, Settlement, UnitOfWork
from ..store.composer import Composer
from .bench import Bench
from .checks import equal, insisting, raises
from .jobs import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..app import App
    from ..contract.effects import Move, Word
    from ..contract.work import Fetcher

TALLY = "conformance"
LATER_S = 60.0
MANY = 2_500  # so many settlements do not fit into one request of a thousand
KINDS = ("done", "retry", "schedule", "dead", "quarantine")


class Tally(Effect):
    """Counts the moves of each job in a hash; asks for nothing by itself."""

    lua = """
    local tally = {}
    function tally.check(c)
      local shape = redis.call('TYPE', c.keys[1]).ok
      if shape ~= 'hash' and shape ~= 'none' then return 'WRONGTYPE the tally is a ' .. shape end
    end
    function tally.run(c) redis.call('HINCRBY', c.keys[1], c.args[1], 1) end
    return tally
    """
    fields = frozenset({"tally"})

    def ask(self, move: Move) -> tuple[tuple[str, ...], tuple[Word, ...]] | None:  # noqa: ARG002
        """Nothing: the suite makes the calls itself."""
        return None


class CallsConformance(Bench):
    """Each promise about `offsider.contract.work.Settlement.calls`.

    A subclass defines `make_calling_fetcher` instead of `make_fetcher`.
    """

    @abstractmethod
    def make_calling_fetcher(self, app: App, queues: Sequence[str], owner: str, composer: Composer) -> Fetcher:
        """What a subclass provides: a fetcher, not opened yet, whose settlements may have calls.

        Args:
            app: Its connections, keys and settings are the fetcher's.
            queues: Names, to be looked at strictly in this order.
            owner: The fetcher's owner.
            composer: What ``app.composer`` is to a worker's fetcher.
        """

    def make_fetcher(self, app: App, queues: Sequence[str], owner: str) -> Fetcher:
        """A fetcher with the suite's effect."""
        effects: Registry[Effect] = Registry("effects")
        effects.add(TALLY, Tally(), by="the conformance suite")
        return self.make_calling_fetcher(app, queues, owner, Composer(effects, app.keys))

    def test_calls_are_done_with_their_settlement_and_once(self, app: App) -> None:
        """Whatever the kind; the same settlements again do nothing."""
        fetcher, redis = self._ready(app, len(KINDS))
        units = fetcher.exchange((), len(KINDS))
        settled = [_called(app, unit, kind) for unit, kind in zip(units, KINDS, strict=True)]
        for _ in range(2):
            fetcher.exchange(settled, 0)
            equal(self._tally(app), dict.fromkeys((unit.field for unit in units), 1), "calls that were done")
        equal(redis.in_flight(fetcher.owner), [], "in flight")

    def test_all_calls_of_many_settlements_are_done(self, app: App) -> None:
        """Beside settlements without any."""
        fetcher, redis = self._ready(app, MANY)
        units: list[UnitOfWork] = []
        while len(units) < MANY:
            units += fetcher.exchange((), MANY - len(units))
        settled = [*settle(units[::2], "done"), *(_called(app, unit, "done") for unit in units[1::2])]
        fetcher.exchange(settled, 0)
        equal(len(self._tally(app)), MANY // 2, "jobs whose calls were done")
        equal(redis.in_flight(fetcher.owner), [], "in flight")

    def test_who_lost_its_lease_does_no_calls(self, app: App) -> None:
        """Its jobs run elsewhere, and are settled there."""
        fetcher, redis = self._ready(app, 1)
        settled = [_called(app, unit, "done") for unit in fetcher.exchange((), 1)]
        redis.recover(fetcher.owner)
        raises(Fenced, lambda: fetcher.exchange(settled, 0))
        equal(self._tally(app), {}, "calls that were done")

    def test_calls_of_a_lost_reply_are_done_once(self, app: App) -> None:
        """They were done, the answer never came, and the settlements are given again."""
        proxy = self._through_a_proxy(app)
        fetcher, _redis = self._ready(app, 2)
        first, second = fetcher.exchange((), 2)
        fetcher.exchange([_called(app, first, "done")], 0)  # the script is known: the next reply is the one to lose
        proxy.lose_reply()
        insisting(lambda: fetcher.exchange([_called(app, second, "done")], 0))
        equal(proxy.lost, 1, "lost replies")
        equal(self._tally(app), {first.field: 1, second.field: 1}, "calls that were done")

    def test_a_call_that_cannot_be_done_holds_up_no_job(self, app: App) -> None:
        """Its key is of another type: the job goes its way, and so does what is settled with it."""
        fetcher, redis = self._ready(app, 2)
        units = fetcher.exchange((), 2)
        redis.ask("SET", _key(app), "taken")
        fetcher.exchange([_called(app, units[0], "done"), _called(app, units[1], "retry")], 0)
        equal(redis.in_flight(fetcher.owner), [], "in flight")
        equal(redis.members(app.keys.retry), [units[1].payload], "retries")

    # -- steps ---------------------------------------------------------------------------------------------

    def _tally(self, app: App) -> dict[str, int]:
        return {field.decode(): int(count) for field, count in pairs(self._observe(app).ask("HGETALL", _key(app)))}


def _key(app: App) -> str:
    return f"{app.keys.prefix}conformance-tally"


def _called(app: App, unit: UnitOfWork, kind: str) -> Settlement:
    """A settlement with a call that counts it."""
    (settled,) = settle([unit], kind, delay_s=LATER_S)
    settled.calls = (Call(TALLY, kind, (_key(app),), (unit.field,)),)
    return settled

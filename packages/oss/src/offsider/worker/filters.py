"""Which queues are held now, as the registered filters say together. Never talks to Redis itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import shown

if TYPE_CHECKING:
    from ..contract.seams import Registry
    from ..contract.work import QueueFilter

log = logging.getLogger("offsider.worker")


class HeldQueues:
    """All filters of a worker as one: a queue is held while any of them holds it.

    A filter that fails is logged with its owner, once until it answers again; meanwhile its last answer holds.

    Args:
        filters: Name → filter; closed by now.

    Example:
        >>> from offsider.contract.seams import Registry
        >>> filters = Registry("queue_filters")
        >>> filters.add("night", lambda names: {"reports"}, by="shop")
        >>> sorted(HeldQueues(filters)(["mail", "reports"]))
        ['reports']
    """

    def __init__(self, filters: Registry[QueueFilter]) -> None:
        self._filters = [(name, filters.owner(name), one) for name, one in filters.items()]
        self._last: dict[str, frozenset[str]] = {}
        self._failing: set[str] = set()

    def __call__(self, names: Sequence[str]) -> frozenset[str]:
        """Those of ``names`` from which nothing is to be taken now."""
        held: frozenset[str] = frozenset()
        for name, owner, one in self._filters:
            last = self._last.get(name, frozenset())
            try:
                last = self._last[name] = last.difference(names) | _names(one(names))
                self._failing.discard(name)
            except Exception as error:  # noqa: BLE001 - whatever it is, jobs of other queues go on
                self._note(name, owner, error)
            held |= last
        return held.intersection(names)

    def _note(self, name: str, owner: str, error: Exception) -> None:
        if name not in self._failing:
            log.error("the queue filter %r of %s failed; its last answer holds", name, owner, exc_info=error)
        self._failing.add(name)


def _names(answer: object) -> frozenset[str]:
    if isinstance(answer, (set, frozenset, list, tuple, dict)):
        return frozenset(answer)
    raise TypeError(f"it gave {shown(answer)}: expected a set of queues' names")

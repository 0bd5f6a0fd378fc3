"""The quarantine as a list of jobs is: what `Listing` asks a set for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..api.page import checked_cursor
from ..api.search import QUARANTINE
from ..api.where import Where

if TYPE_CHECKING:
    from ..api.quarantine import Quarantined


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a search, as of a set.

    Attributes:
        jobs: Entries.
        cursor: Where it goes on; None at its end.
        looked_at: How many there are.
    """

    jobs: Sequence[Quarantined]
    cursor: str | None
    looked_at: int


class Entries:
    """The quarantine of an app.

    Args:
        app: Whose.
    """

    place = QUARANTINE

    def __init__(self, app: Any) -> None:
        self._quarantine = app.quarantine
        self.retry_all, self.delete_all = self._quarantine.retry_all, self._quarantine.delete_all

    def __len__(self) -> int:
        """How many there are."""
        return len(self._quarantine)

    def jobs(self, *, count: int, skip: int, newest: bool) -> list[Quarantined]:
        """A page of them."""
        found: list[Quarantined] = self._quarantine.entries(count=count, skip=skip, newest=newest)
        return found

    def search(self, *, limit: int, cursor: str | None, within_s: float, **given: str) -> Found:  # noqa: ARG002
        """Those that fit; the cursor is how many were given before. The quarantine is bounded, and so is the time.

        Raises:
            InvalidOption: A condition or the cursor cannot be.
            StoreError: Redis is away or refuses.
        """
        skip = int(checked_cursor(cursor))
        found = list(islice(self._quarantine.matching(Where(**given)), skip, skip + limit + 1))
        more = str(skip + limit) if len(found) > limit else None
        return Found(found[:limit], more, len(self))

"""Gives a unique job the name of its lock, before it is pushed. Does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from offsider import clock
from offsider.contract.middleware import ClientMiddleware, NextPush
from offsider.job.define import Job
from offsider.job.push import PushRequest
from offsider.job.record import Record

from ..encryption.option import FIELD as ENCRYPT
from .digest import Arguments, Digest, canonical, sha256
from .effect import FIELD
from .option import DEBOUNCE, EDITION, REJECT

if TYPE_CHECKING:
    from offsider import App


class StampUnique(ClientMiddleware):
    """Turns the option into fields of the payload that every later step goes by.

    Attributes:
        digest: From canonical bytes to the lock's name; another one may be put here while the app is defined, before
            anything is pushed.

    Args:
        app: Whose jobs.
        secret: The digest for jobs whose arguments are encrypted: one that tells nothing to who has no key.
    """

    fields = frozenset({"unique"})

    def __init__(self, app: App, secret: Digest) -> None:
        self.digest: Digest = sha256
        self._secret = secret
        _made[id(app)] = self
        self._arguments: dict[str, tuple[Job[..., Any], Arguments]] = {}

    def push(self, request: PushRequest, next: NextPush) -> PushRequest | None:
        """Stamp a job that has the option."""
        given = request.record.pop("unique")
        if given is not None:  # else: using(unique=False)
            self._stamp(request, given)
        return next(request)

    def name_of(self, request: PushRequest) -> str | None:
        """The lock's name of what would be pushed; None for a job that is not unique."""
        given = request.record.get("unique")
        return None if given is None else self._name(request, given)

    def _stamp(self, request: PushRequest, given: Mapping[str, Any]) -> None:
        record = request.record
        record[FIELD] = self._name(request, given)
        record["unique_until"] = given["until"]
        if "for" in given:
            record["unique_for"] = given["for"]
        if given["policy"] != REJECT:
            record["unique_policy"] = given["policy"]
        if given.get("raises"):
            record["unique_raises"] = True
        if given["policy"] == DEBOUNCE and request.at_s is None:
            request.at_s = clock.now_s() + given["for"]
        _need(record)

    def _name(self, request: PushRequest, given: Mapping[str, Any]) -> str:
        record = request.record
        values = given["key"] if "key" in given else self._values(request.job, record, given.get("by"))
        digest = self._secret if request.job.secret or record.get(ENCRYPT) else self.digest
        return digest(canonical(record["class"], values))

    def _values(self, job: Job[..., Any], record: Record, by: list[str] | None) -> Any:
        known, arguments = self._arguments.get(job.name, (None, None))
        if known is not job or arguments is None:
            arguments = Arguments(job)
            self._arguments[job.name] = job, arguments
        return arguments.of(record["args"], record.get("kwargs") or {}, by)


def _need(record: Record) -> None:
    """Without this edition it would run as well, but its lock would outlive it."""
    needs = record.get("needs") or []
    record["needs"] = needs if EDITION in needs else [*needs, EDITION]


# By the app's id: its chain of middleware holds them, so that they live as long as it does.
_made: WeakValueDictionary[int, StampUnique] = WeakValueDictionary()


def stamp_of(app: App) -> StampUnique:
    """What names the locks of an app that has this edition."""
    return _made[id(app)]

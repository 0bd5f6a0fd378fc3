"""Pushes that wait for the commit of a transaction: who takes them over, and in which state. Pushes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from .job.push import Later, PushRequest
from .job.record import dumps

if TYPE_CHECKING:
    from .app import App


def later_of(app: App, request: PushRequest) -> Later | None:
    """Who takes a request over until a commit; None when it is to be pushed now."""
    if not request.waits:
        return None
    return next((later for deferral in app.deferring if (later := deferral())), None)


def defer(app: App, later: Later, requests: Iterable[PushRequest]) -> list[str | None]:
    """Give requests to who takes them over; their ids, None for those that a middleware stopped.

    They are checked to the end before: at the commit nobody is there to hear of errors.
    """
    accepted = [app.accept(request) for request in requests]
    kept = [one for one in accepted if one is not None]
    for one in kept:
        dumps(one.record)
        one.accepted, one.waits = True, False
    if kept:
        later(kept)
    return [None if one is None else one.record["jid"] for one in accepted]


def first_of(requests: Iterable[PushRequest]) -> tuple[PushRequest | None, Iterable[PushRequest]]:
    """The first of lazy requests, which speaks for all of them, and all of them."""
    iterator: Iterator[PushRequest] = iter(requests)
    first = next(iterator, None)
    return first, iterator if first is None else chain([first], iterator)

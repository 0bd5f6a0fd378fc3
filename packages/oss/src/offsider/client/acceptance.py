"""The way of a job before any I/O: client middleware, and a look at what it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract.middleware import ClientMiddleware, compile_client
from ..job.push import PushRequest
from ..job.record import check_json, check_name


class Acceptance:
    """Runs the client middleware of one app; for pushes and for inline runs alike. A job pays for what it needs only.

    Example:
        >>> from offsider.job.push import PushRequest
        >>> request = PushRequest({}, None, None)
        >>> Acceptance([])(request) is request
        True
    """

    def __init__(self, middleware: Sequence[ClientMiddleware]) -> None:
        usual = [link for link in middleware if not link.fields]
        self._fields = frozenset[str]().union(*(link.fields for link in middleware))
        self._usual, self._whole = compile_client(usual), compile_client(middleware)
        self._changes = bool(usual)

    def __call__(self, request: PushRequest) -> PushRequest | None:
        """The request as it is to be pushed; None when a middleware stopped it.

        Raises:
            InvalidName: A middleware gave it a queue that is none.
            NotJson: A middleware put in a value that JSON cannot carry.
        """
        if request.accepted:
            return request
        if self._fields and not self._fields.isdisjoint(request.record):
            accepted, changes = self._whole(request), True
        else:
            accepted, changes = self._usual(request), self._changes
        if accepted is not None and changes:
            check_name("queue", accepted.record["queue"])
            check_json(accepted.record, "job")
        return accepted

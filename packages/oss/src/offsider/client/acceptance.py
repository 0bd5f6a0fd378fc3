"""The way of a job before any I/O: client middleware, and a look at what it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract.middleware import ClientMiddleware, compile_client
from ..job.push import PushRequest
from ..job.record import check_json, check_name


class Acceptance:
    """Runs the client middleware of one app; for pushes and for inline runs alike.

    Example:
        >>> Acceptance([])("request")
        'request'
    """

    def __init__(self, middleware: Sequence[ClientMiddleware]) -> None:
        self._chain = compile_client(middleware)
        self._changes = bool(middleware)

    def __call__(self, request: PushRequest) -> PushRequest | None:
        """The request as it is to be pushed; None when a middleware stopped it.

        Raises:
            InvalidName: A middleware gave it a queue that is none.
            NotJson: A middleware put in a value that JSON cannot carry.
        """
        accepted = self._chain(request)
        if accepted is not None and self._changes:
            check_name("queue", accepted.record["queue"])
            check_json(accepted.record, "job")
        return accepted

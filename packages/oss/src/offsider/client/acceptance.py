"""The way of a job before any I/O: client middleware, and a look at what it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract.codec import Codec
from ..contract.middleware import ClientMiddleware, compile_client
from ..job.push import PushRequest
from ..job.record import check_json, check_name


class Acceptance:
    """Runs the client middleware of one app; for pushes and for inline runs alike. A job pays for what it needs only.

    Last of all, what is to be sealed is sealed: no middleware sees it sealed, nothing behind it sees it plain.

    Args:
        middleware: The chain, outermost first.
        codec: What seals; None for nothing.

    Example:
        >>> from offsider.job.push import PushRequest
        >>> request = PushRequest({}, None, None)
        >>> Acceptance([])(request) is request
        True
    """

    def __init__(self, middleware: Sequence[ClientMiddleware], codec: Codec | None = None) -> None:
        usual = [link for link in middleware if not link.fields]
        self._fields = frozenset[str]().union(*(link.fields for link in middleware))
        self._usual, self._whole = compile_client(usual), compile_client(middleware)
        self._changes = bool(usual)
        self._seal = None if codec is None or not codec.fields else codec.seal
        self._sealed = frozenset[str]() if codec is None else codec.fields

    def __call__(self, request: PushRequest) -> PushRequest | None:
        """The request as it is to be pushed; None when a middleware stopped it.

        Raises:
            InvalidName: A middleware gave it a queue that is none.
            NotJson: A middleware put in a value that JSON cannot carry.
            OffsiderError: What is to be sealed cannot be.
        """
        if request.accepted:
            return request
        if self._fields and not self._fields.isdisjoint(request.record):
            accepted, changes = self._whole(request), True
        else:
            accepted, changes = self._usual(request), self._changes
        if self._seal is not None and accepted is not None and not accepted.record.keys().isdisjoint(self._sealed):
            self._seal(accepted)
        if accepted is not None and changes:
            check_name("queue", accepted.record["queue"])
            check_json(accepted.record, "job")
        return accepted

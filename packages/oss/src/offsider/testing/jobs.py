"""Jobs for the tests of a fetcher: their bytes, and how they end."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract.work import Settlement, UnitOfWork
from ..job.record import dumps


def payload(number: int) -> bytes:
    """The bytes of a job that can be told apart: its jid is ``job-<number>``.

    Example:
        >>> payload(7)
        b'{"queue":"any","class":"conformance","args":[7],"jid":"job-7","retry":true}'
    """
    return dumps({"queue": "any", "class": "conformance", "args": [number], "jid": f"job-{number}", "retry": True})


def payloads(*numbers: int) -> list[bytes]:
    """The bytes of several."""
    return [payload(number) for number in numbers]


def bytes_of(units: Sequence[UnitOfWork]) -> list[bytes]:
    """The bytes of what a fetcher has taken."""
    return [unit.payload for unit in units]


def settle(
    units: Sequence[UnitOfWork], kind: str, *, delay_s: float = 0.0, kept: bytes | None = None
) -> list[Settlement]:
    """Settlements: the same end for several, with their own payloads, or ``kept``, where the kind has one."""
    bare = kind in ("done", "back")
    return [Settlement(unit, kind, delay_s, None if bare else kept or unit.payload) for unit in units]

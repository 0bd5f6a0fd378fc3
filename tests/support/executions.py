"""Executions without a worker: for the parts that only pass them on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from offsider.contract.work import UnitOfWork
from offsider.worker.execution import Execution


def execution(jid: str = "0123456789abcdef01234567", name: str = "jobs.paint") -> Execution:
    """One job in hand, with a name and an id, and nothing to run."""
    job: Any = SimpleNamespace(name=name)
    capsule: Any = None
    return Execution(UnitOfWork(f"1:{jid}", "default", b""), {"jid": jid, "class": name}, job, capsule, [], {})


def executions(count: int) -> list[Execution]:
    """So many, with their numbers as ids."""
    return [execution(str(number)) for number in range(count)]

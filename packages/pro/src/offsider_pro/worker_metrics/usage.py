"""What runs of one class have cost, summed up. A value; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Usage:
    """Sums over the runs that were measured.

    CPU time is that of the run itself. Memory and blocks are the process's: only a run that was alone in it tells them
    of itself; of one in company the share counts that falls to it when all who ran have an equal one.

    Attributes:
        runs: How many were measured.
        wall_us, cpu_us: How long they took, and how much of that they used a processor.
        alone: How many of them were alone in their process from start to end.
        memory: By how many bytes the process grew while those ran.
        blocks: By how many blocks Python's objects grew.
        shared: How many were in company.
        shared_memory, shared_blocks: Their shares.

    Example:
        >>> one = Usage(runs=1, wall_us=2000, cpu_us=500, alone=1, memory=4096, blocks=10)
        >>> one.add(one); one.runs, one.memory
        (2, 8192)
    """

    runs: int = 0
    wall_us: int = 0
    cpu_us: int = 0
    alone: int = 0
    memory: int = 0
    blocks: int = 0
    shared: int = 0
    shared_memory: int = 0
    shared_blocks: int = 0

    def add(self, other: Usage) -> None:
        """Count another one in."""
        for name in NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


NAMES = tuple(one.name for one in fields(Usage))

"""Which capsules a worker has: from the command line over the settings. Decides; starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config.model import WorkerSettings


@dataclass(frozen=True, slots=True)
class CapsulePlan:
    """One capsule: its name, its queues with their weights (0: none given), its concurrency."""

    name: str
    weights: dict[str, int]
    concurrency: int

    def __str__(self) -> str:
        queues = ", ".join(f"{name}:{weight}" if weight else name for name, weight in self.weights.items())
        return f"{self.name} ({self.concurrency} at once): {queues}"


def plan_capsules(
    settings: WorkerSettings, *, queues: Sequence[str] | None = None, concurrency: int | None = None
) -> list[CapsulePlan]:
    """The ``default`` capsule, then the others by name.

    Args:
        settings: The worker section.
        queues: Queues of the default capsule instead of the settings'.
        concurrency: Concurrency of the default capsule instead of the settings'.

    Raises:
        InvalidSetting: A queue's name or weight is not one.
    """
    from ..config.model import parse_queues

    default = CapsulePlan(
        "default",
        parse_queues(queues if queues is not None else settings.queues),
        settings.concurrency if concurrency is None else concurrency,
    )
    others = [
        CapsulePlan(name, parse_queues(capsule.queues), capsule.concurrency)
        for name, capsule in settings.capsules.items()
    ]
    return [default, *others]

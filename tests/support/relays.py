"""An outbox's relay that dies at a chosen step: before or after each thing that it does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from offsider import App
from offsider.testing import Crash

STEPS = ("take", "push_once", "forget")
DEATHS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]


def dying(app: App, table: Any, death: str) -> tuple[Any, Any]:
    """What a relay needs, with one step that is its last: its effect is there, or not."""
    when, _, step = death.partition(" ")

    def fatal(call: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> None:
            if when == "after":
                call(*args, **kwargs)
            raise Crash(death)

        return step

    client = SimpleNamespace(push_once=app.client.push_once)
    rows = SimpleNamespace(take=table.take, forget=table.forget, close=table.close)
    for owner in (client, rows):
        if hasattr(owner, step):
            setattr(owner, step, fatal(getattr(owner, step)))
    return SimpleNamespace(client_at=lambda _shard: client), rows

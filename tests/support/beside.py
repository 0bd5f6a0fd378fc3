"""Which editions the apps of the tests have beside the free one: `hatch run pro:test`, `hatch run all:test`."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from typing import Any

VARIABLE = "OFFSIDER_TEST_EDITIONS"


def editions() -> list[Any]:
    """Fresh ones, under the evaluation licence; none unless the variable names some, e.g. ``pro,enterprise``."""
    wanted = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    installed = {point.name: point for point in entry_points(group="offsider.editions")}
    return [installed[name].load()(license="evaluation") for name in wanted]

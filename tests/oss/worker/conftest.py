"""What many tests of the worker need: a job on the bench."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.worker.worker import Worker
from support.bench import Bench


@pytest.fixture
def bench(app: App, raw: Any, start_worker: Callable[..., Worker]) -> Bench:
    """An app with a worker to run jobs on and a look into Redis."""
    return Bench(app, raw, start_worker)

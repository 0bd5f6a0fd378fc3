"""What tests of applications and of plug-ins need. Imports no test runner: any of them can use it.

Applications: `fake`, `inline`, `assert_enqueued`, `assert_not_enqueued`, `assert_idempotent`, `crash_at`. Each is
imported when it is first used: whoever only wants the proxy loads nothing of a worker.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asserts import assert_enqueued, assert_not_enqueued
    from .at_once import InlineJobs, inline
    from .crash import crash_at
    from .death import Crash
    from .fakejob import FakeJob
    from .idempotent import assert_idempotent
    from .memory import FakeJobs, fake
    from .runner import Ran

__all__ = [
    "Crash", "FakeJob", "FakeJobs", "InlineJobs", "Ran", "assert_enqueued", "assert_idempotent", "assert_not_enqueued",
    "crash_at", "fake", "inline",
]  # fmt: skip

_HOMES = {
    "Crash": "death", "FakeJob": "fakejob", "FakeJobs": "memory", "InlineJobs": "at_once", "Ran": "runner",
    "assert_enqueued": "asserts", "assert_idempotent": "idempotent", "assert_not_enqueued": "asserts",
    "crash_at": "crash", "fake": "memory", "inline": "at_once",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value

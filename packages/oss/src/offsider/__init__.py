"""Offsider: background jobs for Python on Redis. Imports only; the code lives in the rooms.

What needs Redis and pydantic is imported when it is first used: the command line answers ``--help`` without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    ConfigError,
    EnqueueUncertain,
    InvalidArguments,
    JobCancelled,
    JobTimeout,
    LostJob,
    NotJson,
    OffsiderError,
    ProcessLost,
    RedisRefused,
    RedisUnavailable,
    ResultError,
)

if TYPE_CHECKING:
    from .api.where import Where
    from .app import App
    from .job.context import CONTEXT, Context
    from .job.define import Job
    from .job.options import OptionSpec, Retry
    from .job.outcome import Cancel, Snooze
    from .job.resumable import ResumableJob

__version__ = "0.1.0"

__all__ = [
    "CONTEXT",
    "App",
    "Cancel",
    "ConfigError",
    "Context",
    "EnqueueUncertain",
    "InvalidArguments",
    "Job",
    "JobCancelled",
    "JobTimeout",
    "LostJob",
    "NotJson",
    "OffsiderError",
    "OptionSpec",
    "ProcessLost",
    "RedisRefused",
    "RedisUnavailable",
    "ResultError",
    "ResumableJob",
    "Retry",
    "Snooze",
    "Where",
    "__version__",
]

_HOMES = {
    "App": "app",
    "CONTEXT": "job.context",
    "Context": "job.context",
    "Job": "job.define",
    "OptionSpec": "job.options",
    "Retry": "job.options",
    "Cancel": "job.outcome",
    "Snooze": "job.outcome",
    "ResumableJob": "job.resumable",
    "Where": "api.where",
}


def __getattr__(name: str) -> Any:
    """A public name, from its home, at its first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return found


def __dir__() -> list[str]:
    """The public names, also those that nobody has used yet."""
    return sorted({*globals(), *__all__})

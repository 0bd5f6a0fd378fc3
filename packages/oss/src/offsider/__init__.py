"""Offsider: background jobs for Python on Redis. Imports only; the code lives in the rooms."""

from __future__ import annotations

from .app import App
from .errors import (
    ConfigError,
    EnqueueUncertain,
    InvalidArguments,
    JobTimeout,
    LostJob,
    NotJson,
    OffsiderError,
    ProcessLost,
    RedisRefused,
    RedisUnavailable,
)
from .job.context import CONTEXT, Context
from .job.define import Job
from .job.options import OptionSpec, Retry
from .job.outcome import Cancel, Snooze

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
    "JobTimeout",
    "LostJob",
    "NotJson",
    "OffsiderError",
    "OptionSpec",
    "ProcessLost",
    "RedisRefused",
    "RedisUnavailable",
    "Retry",
    "Snooze",
    "__version__",
]

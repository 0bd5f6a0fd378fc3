"""Unique jobs. Imports only."""

from __future__ import annotations

from .errors import EnqueueRejected
from .locks import Lock, UniqueLocks
from .option import Unique

__all__ = ["EnqueueRejected", "Lock", "Unique", "UniqueLocks"]

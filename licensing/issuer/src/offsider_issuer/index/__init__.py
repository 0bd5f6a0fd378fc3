"""The private package index: what customers' pip, uv, poetry and hatch talk to. Reads the ledger, never changes it."""

from __future__ import annotations

from .app import Rates, make_app

__all__ = ["Rates", "make_app"]

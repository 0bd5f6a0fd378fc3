"""The vendor's side of Offsider's licences: signing keys, licence files, the private package index. Never shipped."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]

"""The licence of the commercial editions: standard library and cryptography only, never offsider itself."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]

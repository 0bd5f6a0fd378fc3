"""Offsider Pro. Imports only."""

from __future__ import annotations

from .edition import ProEdition

__version__ = "0.1.0"

__all__ = ["ProEdition", "__version__"]

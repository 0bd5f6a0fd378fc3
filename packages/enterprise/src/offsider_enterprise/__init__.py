"""Offsider Enterprise. Imports only."""

from __future__ import annotations

from .edition import EnterpriseEdition

__version__ = "0.1.0"

__all__ = ["EnterpriseEdition", "__version__"]

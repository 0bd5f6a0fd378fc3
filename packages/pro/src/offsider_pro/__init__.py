"""Offsider Pro. Imports only, and those when they are first used: small processes of ours need little of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .edition import ProEdition

__version__ = "0.1.0"

__all__ = ["ProEdition", "__version__"]


def __getattr__(name: str) -> Any:
    """The edition, at its first use."""
    if name != "ProEdition":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .edition import ProEdition

    globals()[name] = ProEdition
    return ProEdition

"""Ids of licences that the vendor has taken back before their end: leaked, or paid back."""

from __future__ import annotations

from typing import Final

REVOKED: Final[set[str]] = set()
"""One id a line, with the date and the reason behind it."""

"""SQLAlchemy: pushes that wait for the commit of a session, and an outbox in its database.

`install` for the app; then `after_commit` around code, or `follow` for all sessions of a kind.
"""

from __future__ import annotations

from .outbox import outbox_table
from .sessions import after_commit, follow, install

__all__ = ["after_commit", "follow", "install", "outbox_table"]

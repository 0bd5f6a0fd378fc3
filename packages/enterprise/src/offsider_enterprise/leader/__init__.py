"""One leader among the workers of a namespace: what needs one process only asks here."""

from __future__ import annotations

from .duty import Duty
from .fence import fenced
from .leadership import Leader, Leadership, Term, leadership

__all__ = ["Duty", "Leader", "Leadership", "Term", "fenced", "leadership"]

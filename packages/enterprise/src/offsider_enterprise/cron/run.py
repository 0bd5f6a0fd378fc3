"""One run of an entry, as its history keeps it. A value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .wall import utc

ENQUEUED, BY_HAND, LEFT_OUT, REFUSED = "enqueued", "by hand", "left out", "refused"
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one instant of an entry.

    Attributes:
        what: ``enqueued``; ``by hand``: enqueued because somebody wanted it now; ``left out``: missed, and not made up
            for; ``refused``: no job came of it.
        at_s: The instant that it was for, epoch seconds.
        done_s: When that was, by the server's clock.
        jid: Of the job; empty when there is none.
        said: More: by whom, which others were left out with it, why it was refused.
    """

    what: str
    at_s: float
    done_s: float
    jid: str = ""
    said: str = ""

    @property
    def at(self) -> datetime:
        """The instant that it was for, in UTC."""
        return utc(self.at_s)

    @property
    def late_s(self) -> float:
        """How much later it was done."""
        return max(0.0, self.done_s - self.at_s)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"what": self.what, "at": self.at.isoformat(), "done_s": self.done_s, "jid": self.jid, "said": self.said}

    def to_json(self) -> str:
        """As it is kept."""
        kept = [self.what, self.at_s, round(self.done_s, 3), self.jid, self.said[:MOST_TEXT]]
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def read_run(raw: bytes) -> Run | None:
    """A run out of a history; None for what is none.

    Example:
        >>> read_run(b'["enqueued",1782000000,1782000000.2,"b4a577edbccf1d805744efa9",""]').what
        'enqueued'
        >>> read_run(b"[]") is None
        True
    """
    try:
        what, at_s, done_s, jid, said = json.loads(raw)
        return Run(str(what), float(at_s), float(done_s), str(jid), str(said))
    except (ValueError, TypeError, RecursionError):
        return None

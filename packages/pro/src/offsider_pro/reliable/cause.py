"""What a process has died of: a value, made of what the system tells. Looks at nothing itself."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass
from typing import Any

from offsider.errors import shown

SIGNAL = "signal"
MEMORY = "memory"
EXIT = "exit"
LOST = "lost"
FROZEN = "frozen"
SILENT = "silent"
UNKNOWN = "unknown"

FROM_OUTSIDE = frozenset(
    getattr(signal, name).value for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of one death.

    Attributes:
        kind: ``signal``; ``memory``: by SIGKILL, when the system had no memory left; ``exit``: it ended itself;
            ``frozen``: it was stopped, and may go on; ``silent``: its interpreter did not answer; ``lost``: nobody saw
            it die, its host or its network is gone; ``unknown``: it is gone, and the system does not say how.
        text: The same as a part of a sentence.
        number: Of the signal, or the exit code.

    Example:
        >>> str(Cause.of_status(9))
        'killed by SIGKILL'
        >>> Cause.of_status(3 << 8)
        Cause(kind='exit', text='ended itself with exit code 3', number=3)
    """

    kind: str
    text: str
    number: int | None = None

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of_status(cls, status: int, *, no_memory: bool = False) -> Cause:
        """Of a wait status.

        Args:
            status: As ``os.waitpid`` gives it.
            no_memory: The system has killed a process for want of memory in that moment.
        """
        number = status & 0x7F
        if not number:
            code = status >> 8 & 0xFF
            return cls(EXIT, f"ended itself with exit code {code}", code)
        if number == signal.SIGKILL and no_memory:
            return cls(MEMORY, "killed by SIGKILL when the system had no memory left", number)
        return cls(SIGNAL, f"killed by {_name(number)}", number)

    @classmethod
    def of_unknown(cls, *, no_memory: bool = False) -> Cause:
        """Of a process that is gone, on a system that does not say how."""
        if no_memory:
            return cls(MEMORY, "gone when the system had no memory left, and killed a process for it")
        return cls(UNKNOWN, "gone without a word: killed, or ended by itself; this system does not say which")

    @classmethod
    def of_silence(cls, seconds: float) -> Cause:
        """Of a process that was not heard any more, and that nobody saw die."""
        return cls(LOST, f"not heard for {seconds:.0f} s: its host, its container or its network is gone")

    @classmethod
    def of_stop(cls) -> Cause:
        """Of a process that was stopped by a signal or a debugger."""
        return cls(FROZEN, "frozen: it was stopped by a signal or a debugger")

    @classmethod
    def of_hang(cls, seconds: float) -> Cause:
        """Of a process whose interpreter did not answer."""
        return cls(SILENT, f"hanging: one job kept the interpreter to itself for {seconds:.0f} s")

    @property
    def from_outside(self) -> bool:
        """True when no job can be blamed: somebody has told the process to end."""
        return self.kind == SIGNAL and self.number in FROM_OUTSIDE

    def dumps(self) -> str:
        """As text."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | bytes | None) -> Cause | None:
        """Of such a text; None of any other."""
        try:
            found: Any = json.loads(text or b"")
            return cls(str(found["kind"]), str(found["text"])[:500], found.get("number"))
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {shown(number)}"

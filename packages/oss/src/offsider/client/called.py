"""The calls of effects in one push: what goes with it, and what becomes of jobs that were refused. Does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..contract.effects import PUSH, Call

if TYPE_CHECKING:
    from ..job.push import PushRequest
    from ..job.record import Record
    from ..store.composer import Composer
    from ..store.scripts import Script
    from ..store.wire import Argument

STATUS_WORDS = 1
WORDS_OF_A_REFUSAL = 3  # job, effect, what it said


class CalledJobs:
    """The jobs of a trip that have calls.

    Args:
        composer: Has the effects.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._calls: list[tuple[str | int, Call]] = []
        self._jobs: dict[int, tuple[int, Record]] = {}
        self.refusal: Exception | None = None

    def add(self, request: PushRequest, number: int, index: int) -> None:
        """Ask the effects about a job.

        Args:
            request: As it is pushed.
            number: Of the job in the script.
            index: Of its id among those of the trip.
        """
        calls = self._composer.calls(PUSH, request.record, at_s=request.at_s)
        if calls:
            self._jobs[number] = index, request.record
            self._calls += [(number, call) for call in calls]

    def request(
        self, script: Script, keys: list[str], words: list[Argument]
    ) -> tuple[Script, Sequence[str], list[Argument]] | None:
        """The composed script and what it is given; the first key behind the script's own is for its memory.

        None when no effect has anything to do.
        """
        if not self._calls:
            return None
        return self._composer.request(script, keys, words, self._calls, memory=True)

    def hear(self, reply: Sequence[int | bytes], jids: list[str | None]) -> None:
        """Take the ids of refused jobs away; `refusal` is what is to be raised when one job was pushed alone."""
        for k in range(STATUS_WORDS, len(reply), WORDS_OF_A_REFUSAL):
            index, record = self._jobs[int(reply[k])]
            effect, said = (_text(reply[k + 1]), _text(reply[k + 2]))
            jids[index] = None
            self.refusal = self._composer.refused(effect, record, said)


def _text(word: int | bytes) -> str:
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)

"""One trip of the push side to Redis: its keys and words, and how long it is tried. Does no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import clock
from ..store.keys import Keys
from ..store.wire import Argument
from .lanes import AsyncLane, Lane

if TYPE_CHECKING:
    from ..store.scripts import Script
    from .called import CalledJobs

LANE_S = 3600  # for longer than any push is repeated
HEAD_WORDS = 3  # before those of the jobs: number, LANE_S, first letter of a queue's name
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
SHORTEST_TRY_S = 0.1


class TripKeys:
    """The keys of a trip, and the index at which each queue has its pair."""

    def __init__(self, made: Keys) -> None:
        self._made = made
        # The lane's key comes first, when the lane is known.
        self.keys = ["", made.queues, made.schedule, made.schedule_bell]
        self._indexes: dict[str, int] = {}

    def index(self, name: str) -> int:
        """Where a queue's key is, counted from 1 as Lua does."""
        found = self._indexes.get(name)
        if found is None:
            found = self._indexes[name] = len(self.keys) + 1
            self.keys += (self._made.queue(name), self._made.bell(name))
        return found


class Trip:
    """What is sent, again and again if need be, under one number of one lane.

    Attributes:
        jids: The ids of its jobs; None for those that a middleware stopped.
        keys, words: The script's: the first key and the first word are the lane's.
        copies: How many replicas must have it before it is done.
        asked: True once it may have been done: nobody knows, but who repeats it under its lane and number.
        called: Its jobs with calls of effects; None without any.
        script: The composed script; None for the plain one.
    """

    __slots__ = ("_memory", "asked", "called", "copies", "jids", "keys", "script", "words")

    def __init__(self, jids: list[str | None], keys: list[str], words: list[Argument], copies: int = 0) -> None:
        self.jids = jids
        self.keys = keys
        self.words = words
        self.copies = copies
        self.asked = False
        self.called: CalledJobs | None = None
        self.script: Script | None = None
        self._memory: tuple[int, Keys] | None = None

    def call(self, called: CalledJobs, script: Script, made: Keys) -> None:
        """Have calls of effects done in the same script."""
        composed = called.request(script, self.keys, self.words)
        if composed is not None:
            self.called, self._memory = called, (len(self.keys), made)
            self.script, self.keys, self.words = composed[0], [*composed[1]], composed[2]

    def hear(self, reply: Any) -> None:
        """What the script has said: jobs that were refused have no id."""
        if self.called is not None:
            self.called.hear(reply, self.jids)

    @property
    def memory(self) -> int | None:
        """The index of the key that remembers refusals; None without calls of effects."""
        return None if self._memory is None else self._memory[0]

    @property
    def refusal(self) -> Exception | None:
        """What is to be raised, when its only job was refused."""
        return None if self.called is None else self.called.refusal

    @property
    def is_empty(self) -> bool:
        """True when a middleware has stopped all of it."""
        return len(self.words) == HEAD_WORDS

    def enter(self, lane: Lane | AsyncLane, key: str) -> None:
        """Take the next number of a lane."""
        lane.number += 1
        self.keys[0], self.words[0] = key, lane.number
        self._remember(key)

    def name(self, key: str, remember_s: int) -> None:
        """Be the only one of a lane that has its name."""
        self.keys[0], self.words[0], self.words[1] = key, 1, remember_s
        self._remember(key)

    def _remember(self, key: str) -> None:
        if self._memory is not None:
            index, made = self._memory
            self.keys[index] = made.refusals(key)


class Patience:
    """The pauses of one trip that began at ``began_s``, until its deadline."""

    __slots__ = ("_pause_s", "_until_s")

    def __init__(self, began_s: float, deadline_s: float) -> None:
        self._until_s = began_s + deadline_s
        self._pause_s = FIRST_PAUSE_S

    @property
    def is_over(self) -> bool:
        """True when the deadline has passed."""
        return clock.monotonic_s() >= self._until_s

    @property
    def try_s(self) -> float:
        """How long the next try may take."""
        return max(SHORTEST_TRY_S, self._until_s - clock.monotonic_s())

    def pause_s(self) -> float:
        """How long to wait before it."""
        pause_s = min(self._pause_s, max(0.0, self._until_s - clock.monotonic_s()))
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s

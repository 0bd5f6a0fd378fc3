"""The keys of unique jobs. Makes text, never talks to Redis."""

from __future__ import annotations

from offsider.store.keys import Keys


class UniqueKeys:
    """What unique jobs keep in the namespace of an app: a few keys, however many locks there are.

    Example:
        >>> UniqueKeys(Keys("shop")).locks
        '{shop}:unique-locks'
    """

    def __init__(self, keys: Keys) -> None:
        prefix = keys.prefix
        self.locks = f"{prefix}unique-locks"
        self.deadlines = f"{prefix}unique-deadlines"
        self.waiting = f"{prefix}unique-waiting"
        self.replaced = f"{prefix}unique-replaced"
        self.turn = f"{prefix}unique-turn"
        self.schedule = keys.schedule

    @property
    def of_effect(self) -> tuple[str, ...]:
        """In the order in which ``effect.lua`` takes them."""
        return (self.locks, self.deadlines, self.waiting, self.replaced, self.schedule)

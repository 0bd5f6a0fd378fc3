"""Puts effects into the house's scripts and their calls into requests. Talks to nobody."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ..contract.effects import Call, Effect, Move
from .scripts import Script

if TYPE_CHECKING:
    from ..contract.seams import Registry
    from ..job.record import Record
    from .keys import Keys
    from .wire import Argument

log = logging.getLogger("offsider")

_ONLY_COMPOSED = re.compile(r"^(\s*)--\+ ", re.MULTILINE)


class Composer:
    """The effects of one app in one Redis.

    A script that takes part has lines that begin with ``--+``: comments in the plain script, code in the composed one,
    which is used for requests with calls only. An app without effects, and a request without calls, runs the plain one.

    Args:
        effects: All that are registered.
        keys: Of the Redis.

    Attributes:
        fields: Only jobs with one of these have calls; empty without effects.

    Example:
        >>> from offsider.contract.seams import Registry
        >>> from offsider.store.keys import Keys
        >>> Composer(Registry("effects"), Keys("shop")).wants({"class": "welcome"})
        False
    """

    def __init__(self, effects: Registry[Effect], keys: Keys) -> None:
        self._effects = tuple(effects.items())
        self._registry = effects
        self._keys = keys
        self._chunks = tuple((name, effect.lua) for name, effect in self._effects)
        self.fields = frozenset[str]().union(*(effect.fields for _name, effect in self._effects))

    def wants(self, record: Record) -> bool:
        """True when a job may have calls."""
        for field in self.fields:  # noqa: SIM110 - on the path of every push: the record has more, a generator costs more
            if field in record:
                return True
        return False

    def calls(self, kind: str, record: Record, *, at_s: float | None = None, delay_s: float = 0.0) -> tuple[Call, ...]:
        """What all effects have to do in this move of a job; see `Move` for what is given.

        Raises:
            Whatever an effect raises.
        """
        move = Move(kind, record, self._keys, at_s, delay_s)
        return tuple(call for name, effect in self._effects if (call := _call(name, effect, move)) is not None)

    def safe_calls(
        self, kind: str, record: Record, *, at_s: float | None = None, delay_s: float = 0.0
    ) -> tuple[Call, ...]:
        """`calls` for a job that goes its way whatever an effect does: an error is logged with its owner."""
        move = Move(kind, record, self._keys, at_s, delay_s)
        calls = []
        for name, effect in self._effects:
            try:
                calls.append(_call(name, effect, move))
            except Exception:
                owner = self._registry.owner(name)
                log.exception("the effect %r by %s failed; the job goes its way without it", name, owner)
        return tuple(call for call in calls if call is not None)

    def refused(self, effect: str, record: Record, said: str) -> Exception | None:
        """What an effect makes of a refusal by its own script."""
        return self._registry[effect].refused(record, said)

    def request(
        self,
        script: Script,
        keys: Sequence[str],
        words: list[Argument],
        calls: Sequence[tuple[str | int, Call]],
        *,
        memory: bool = False,
    ) -> tuple[Script, Sequence[str], list[Argument]]:
        """What is to be run: the plain script with what it is given, unless there are calls.

        Args:
            script: A script with lines for effects.
            keys, words: Its own; when there are calls, they are put behind these words.
            calls: What the script calls the job, and a call of it.
            memory: Leave the first place behind its keys empty, for a key that the script itself needs.
        """
        if not calls:
            return script, keys, words
        indexes: dict[str, int] = {"": 1} if memory else {}
        more: list[Argument] = []
        for job, call in calls:
            more += [call.effect, call.move, job, len(call.keys)]
            more += [indexes.setdefault(key, len(indexes) + 1) for key in call.keys]
            more += [len(call.args), *call.args]
        words += [*more, len(more), len(indexes)]
        return composed(script, self._chunks), (*keys, *indexes), words

    def script(self, script: Script) -> Script:
        """A script with the effects of this app in it, for requests with calls that were made before."""
        return composed(script, self._chunks)


def _call(name: str, effect: Effect, move: Move) -> Call | None:
    """What one effect has to do; None for nothing."""
    asked = None if effect.fields.isdisjoint(move.record) else effect.ask(move)
    return None if asked is None else Call(name, move.kind, *asked)


@cache
def composed(script: Script, chunks: Sequence[tuple[str, str]]) -> Script:
    """A script with the effects' chunks before it, and its own lines for them uncommented."""
    kinds = "".join(f"[ [==[{name}]==] ] = (function()\n{lua}\nend)(),\n" for name, lua in chunks)
    head = (files("offsider.store") / "composer.lua").read_text(encoding="utf-8").replace("--@ kinds\n", kinds)
    return Script.of(f"{script.name}+effects", head + _ONLY_COMPOSED.sub(r"\1", script.text))

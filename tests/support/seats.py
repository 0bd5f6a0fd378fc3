"""An edition with one effect: a job takes its seat in the very script that pushes it, and leaves it at its end."""

from __future__ import annotations

from typing import Any

from offsider import App, OptionSpec
from offsider.contract.edition import Edition
from offsider.contract.effects import ENDS, Effect, Move, Word
from offsider.errors import OffsiderError


class SeatTaken(OffsiderError):
    """Somebody sits there."""


class Seats(Effect):
    """One hash, seat → jid, and a list of what was done: move, jid and seat."""

    fields = frozenset({"seat"})
    lua = """
    local seats = {}
    function seats.check(c)
      local shape = redis.call('TYPE', c.keys[1]).ok
      if shape ~= 'hash' and shape ~= 'none' then return 'WRONGTYPE the seats are a ' .. shape end
    end
    function seats.admit(c)
      local sits = redis.call('HGET', c.keys[1], c.args[1])
      if sits and sits ~= c.args[2] then return sits end
    end
    function seats.run(c)
      redis.call('RPUSH', c.keys[2], c.move .. ' ' .. c.args[2] .. ' ' .. c.args[1])
      if c.move == 'push' then
        redis.call('HSET', c.keys[1], c.args[1], c.args[2])
      elseif c.args[3] == '1' and redis.call('HGET', c.keys[1], c.args[1]) == c.args[2] then
        redis.call('HDEL', c.keys[1], c.args[1])
      end
    end
    return seats
    """

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self.said: list[str] = []
        self.fails = False

    def ask(self, move: Move) -> tuple[tuple[str, ...], tuple[Word, ...]] | None:
        if self.fails:
            raise RuntimeError("the seats are broken")
        self.moves.append(move)
        prefix = move.keys.prefix
        words = (move.record["seat"], move.record["jid"], int(move.kind in ENDS))
        return (f"{prefix}seats", f"{prefix}seated"), words

    def refused(self, record: Any, said: str) -> Exception | None:
        self.said.append(said)
        return SeatTaken(f"{said} sits there") if record.get("insists") else None


class Theatre(Edition):
    """Registers it, and the options ``seat`` and ``insists``."""

    name = "theatre"

    def __init__(self) -> None:
        self.seats = Seats()

    def install(self, app: App) -> None:
        for name in ("seat", "insists"):
            app.job_options.add(name, OptionSpec(name, self.name, lambda value: value), by=self.name)
        app.effects.add("seats", self.seats, by=self.name)


class House:
    """What lies in Redis of it."""

    def __init__(self, app: App, raw: Any) -> None:
        self._prefix = app.keys.prefix
        self._raw = raw

    def taken(self) -> dict[str, str]:
        """Seat → jid."""
        return {seat.decode(): jid.decode() for seat, jid in self._raw.hgetall(f"{self._prefix}seats").items()}

    def seated(self) -> list[str]:
        """What was done, in its order: the moves only."""
        return [one.decode().split(" ")[0] for one in self._raw.lrange(f"{self._prefix}seated", 0, -1)]

"""Workers killed while unique jobs run: none is lost, none runs beside another that is the same, no lock is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from support.server import Server
from support.unique_storm import UniqueStorm

KILLS = 1


def test_killed_workers_lose_no_unique_job_and_leave_no_lock(
    make_server: Callable[..., Server], tmp_path: Path, rng: Random, tell: Callable[..., str]
) -> None:
    storm = UniqueStorm(make_server(), tmp_path, rng, workers=1)
    try:
        found = storm.run(KILLS)
    finally:
        storm.close()
    figures = tell(kills=found.kills, accepted=found.accepted, begun=found.begun)
    assert found.accepted > 0, figures
    assert (found.lost, found.beside, found.locks, found.sound) == (0, 0, 0, True), figures

"""How long does it take to encrypt and to decrypt a value: ``hatch run encryption``.

CPU time of one thread, the least of many batches: what it takes when nothing else is in the way.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

from offsider_enterprise.encryption.key import generate, made
from offsider_enterprise.encryption.token import Place, open_token, parse, seal

SIZES = (16, 100, 1000, 10_000, 100_000)
BATCH = 200
BATCHES = 50
PLACE = Place("offsider", "b4a577edbccf1d805744efa9", "shop.jobs.pay", "positional argument 1")


def least_us(act: Callable[[], object], batch: int) -> float:
    """Microseconds of one call."""
    taken = []
    for _ in range(BATCHES):
        began = time.thread_time()
        for _ in range(batch):
            act()
        taken.append((time.thread_time() - began) / batch)
    return min(taken) * 1e6


def main() -> None:
    """Print a table."""
    key = made("2026a", generate(), "benchmark")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; µs of CPU, the least of {BATCHES} batches")
    print(f"{'letters':>9} {'encrypt':>9} {'decrypt':>9} {'bytes in Redis':>15}")
    for size in SIZES:
        value = "x" * size
        token = seal(value, key, PLACE)
        batch = BATCH if size <= 10_000 else BATCH // 10
        there = least_us(lambda value=value: seal(value, key, PLACE), batch)  # type: ignore[misc]
        back = least_us(lambda token=token: open_token(parse(token, "x"), key, PLACE), batch)  # type: ignore[misc]
        print(f"{size:>9,} {there:>9.1f} {back:>9.1f} {len(token):>15,}")


if __name__ == "__main__":
    main()

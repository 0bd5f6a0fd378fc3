"""Offsider's side of the comparison: its versions, its jobs, its worker command. Never measures a worker."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from offsider import App

URL = "VERSUS_URL"
CONCURRENCY = {"threads": 10, "threads, plain": 10, "async": 100, "async, plain": 100}
WARM_UP = 200

app = App(os.environ.get(URL, "redis://127.0.0.1:6379/0"), namespace="offsider", editions=[])

if "VERSUS_TRACE" in os.environ:

    def _trace(*arguments: Any) -> None:
        with Path(os.environ["VERSUS_TRACE"]).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(arguments)}\n")

    @app.job(name="noop")
    def noop(text: str, number: int, options: dict[str, str]) -> None:
        """Leaves a line."""
        _trace(text, number, options)

    @app.job(name="anoop")
    async def anoop(text: str, number: int, options: dict[str, str]) -> None:
        """Leaves a line."""
        _trace(text, number, options)

else:

    @app.job(name="noop")
    def noop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""

    @app.job(name="anoop")
    async def anoop(text: str, number: int, options: dict[str, str]) -> None:
        """Nothing."""


def versions() -> dict[str, str]:
    """Of what is installed, Python's included."""
    found = {"Python": sys.version.split()[0]}
    for name in ("offsider", "redis", "hiredis", "orjson", "uvloop"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def enqueue(count: int, how: str, variant: str) -> float:
    """Seconds that it took."""
    job = app.jobs["anoop" if variant.startswith("async") else "noop"]
    aside = job.using(queue="aside")
    for number in range(WARM_UP):
        aside.enqueue("string", number, {"mike": "bob"})
    admin = app.connections.admin()
    admin.delete(app.keys.queue("aside"), app.keys.bell("aside"), app.keys.queues)
    started_s = time.perf_counter()
    if how == "bulk":
        job.enqueue_many(("string", number, {"mike": "bob"}) for number in range(count))
    else:
        for number in range(count):
            job.enqueue("string", number, {"mike": "bob"})
    return time.perf_counter() - started_s


def main(arguments: list[str]) -> None:
    """What the driver asks for."""
    what, *rest = arguments
    if what == "versions":
        print(json.dumps(versions()))
        return
    os.environ[URL] = rest[0]
    if what == "enqueue":
        app.override(redis={"url": rest[0]})
        print(json.dumps({"seconds": enqueue(int(rest[1]), rest[2], rest[3] if len(rest) > 3 else "threads")}))
    elif what == "worker":
        # Not by the working directory: there `offsider worker` would take our offsider.toml for its settings.
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        program = Path(sys.executable).with_name("offsider")
        number = str(CONCURRENCY[rest[1]])
        words = ["worker", f"{Path(__file__).stem}:app", "-c", number, "--log-level", "warning"]
        os.execv(program, [str(program), *words])
    else:
        raise SystemExit(f"no command {what!r}; there are versions, enqueue, worker")


if __name__ == "__main__":
    main(sys.argv[1:])

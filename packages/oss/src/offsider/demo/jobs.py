"""The demo's app: one job a Python file, one async job a folder. This is what your own ``jobs.py`` looks like."""

from __future__ import annotations

import ast
import asyncio
import os
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from .. import CONTEXT, App, Cancel, Context, Retry
from .results import Measured, Results

app = App(namespace="demo")

# The files are somebody else's: what the parser would like to say about their style is not asked for.
warnings.filterwarnings("ignore", category=SyntaxWarning)
warnings.filterwarnings("ignore", category=DeprecationWarning)


@cache
def results() -> Results:
    """The database beside the server's data."""
    return Results(Path(app.settings.redis.data_dir or ".") / "results.db")


@app.on("death")
def note_death(record: dict[str, Any], error: BaseException) -> None:
    """Kept beside the results, for the table at the end; the job itself is in the dead set."""
    kind = "file" if record["class"] == measure.name else "folder"
    path, version = record["args"]
    results().note_dead((kind, path, version), f"{type(error).__name__}: {error}")


@app.job(name="measure", queue="files", retry=Retry(max=2, delay=1.0))
def measure(path: str, version: int, ctx: Context = CONTEXT) -> Cancel | None:
    """Parse one file and count what is in it. A file that cannot be parsed fails, is retried, and dies."""
    key = ("file", path, version)
    if results().has_ended(key):
        return Cancel("measured before")
    if ctx.attempt:
        results().note_attempt(key, ctx.attempt)
    started_s = time.perf_counter()
    source = Path(path).read_bytes()
    nodes = list(ast.walk(ast.parse(source, path)))
    measured = Measured(
        lines=source.count(b"\n"),
        functions=sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in nodes),
        classes=sum(isinstance(node, ast.ClassDef) for node in nodes),
        bytes=len(source),
        elapsed_ms=(time.perf_counter() - started_s) * 1000,
    )
    results().note_done(key, measured, ctx.attempt)
    return None


@app.job(name="survey", queue="folders", retry=Retry(max=2, delay=1.0))
async def survey(path: str, version: int, ctx: Context = CONTEXT) -> Cancel | None:
    """Add up the size of what lies in one folder; waits for the disk without holding a thread of the jobs."""
    key = ("folder", path, version)
    if results().has_ended(key):
        return Cancel("surveyed before")
    started_s = time.perf_counter()
    sizes = await asyncio.to_thread(_sizes, path)
    elapsed_ms = (time.perf_counter() - started_s) * 1000
    results().note_done(key, Measured(0, 0, 0, sum(sizes), elapsed_ms), ctx.attempt)
    return None


def _sizes(folder: str) -> list[int]:
    with os.scandir(folder) as entries:
        return [entry.stat().st_size for entry in entries if entry.is_file(follow_symlinks=False)]

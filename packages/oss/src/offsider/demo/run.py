"""One run of the demo: a server, a worker process, jobs, and waiting for their end."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

import click

from .. import clock
from ..errors import OffsiderError
from ..store.embedded import die_with_me, ensure
from . import show, tree
from .results import Key, Results

LOOK_EVERY_S = 0.1
MOST_WORKERS = 5
BATCH = 500
SETTINGS = """\
[redis]
data_dir = {folder}

[worker]
queues = ["files", "folders"]
lease_s = 5
beat_s = 2
shutdown_timeout_s = 10
give_up_s = 30
"""


class DemoError(OffsiderError):
    """The demo cannot go on; the message says where to look."""


class Demo:
    """A run over one source tree.

    Everything is kept in one folder: the server's data, the results, the worker's log. So a run that was
    interrupted, or killed, goes on where it was: what is enqueued stays in the queues, what is done stays done.
    """

    def __init__(self, root: Path, folder: Path, *, concurrency: int, plain: bool) -> None:
        self._root = root
        self._folder = folder
        self._concurrency = concurrency
        self._plain = plain
        self._log = folder / "worker.log"
        self._told = threading.Event()

    def run(self) -> int:
        """Run to the end; returns the exit code: 0, or 130 when it was interrupted."""
        self._prepare()
        with _interruptible(self._told), self._server():
            results = Results(self._folder / "results.db")
            started_s = clock.monotonic_s()
            before = results.counts()
            worker = self._start_worker()
            try:
                new = self._enqueue(results)
                self._introduce(before.ended, new, results.counts().total)
                ended = self._wait(results, worker)
            finally:
                self._stop_worker()
            elapsed_s = clock.monotonic_s() - started_s
            counts = results.counts()
            if not ended:
                click.echo(f"\nInterrupted: {counts.ended:,} of {counts.total:,} jobs ended. Start it again to go on.")
                return 130
            show.report(results, elapsed_s, counts.ended - before.ended)
            click.echo(f"\nEverything is kept in {self._folder} (the worker's log, too). --fresh begins anew.")
            return 0

    # -- before --------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = self._folder / "offsider.toml"
        settings.write_text(SETTINGS.format(folder=_quoted(str(self._folder))), encoding="utf-8")
        _clear(os.environ)
        os.environ["OFFSIDER_CONFIG"] = str(settings)

    @contextmanager
    def _server(self) -> Iterator[None]:
        server = ensure(self._folder)
        try:
            yield
        finally:
            server.close()

    def _enqueue(self, results: Results) -> int:
        """Enqueue what was not enqueued before; returns how many jobs that were."""
        from .jobs import measure, survey

        known = results.known()
        fresh = (key for key in tree.find(self._root) if key not in known)
        count = 0
        while batch := list(itertools.islice(fresh, BATCH)):
            for job, kind in ((measure, "file"), (survey, "folder")):
                job.enqueue_many([(path, version) for one, path, version in batch if one == kind])
            # Noted after the push: an interruption in between enqueues a job twice, and the second one finds its
            # result there. The other way round it would be lost.
            results.note_enqueued(batch)
            count += len(batch)
            if self._told.is_set():
                break
        return count

    def _introduce(self, ended: int, new: int, total: int) -> None:
        click.echo(f"{self._root}: {total:,} jobs, one for each Python file and folder.")
        if ended:
            click.echo(f"{ended:,} have ended in an earlier run and are not repeated, {new:,} are new.")
        click.echo(f"One worker process runs {self._concurrency} at once, threads and async together.\n")

    # -- the worker ----------------------------------------------------------------------------------------

    def _start_worker(self) -> list[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "offsider", "worker", "offsider.demo.jobs:app"]
        command += ["-c", str(self._concurrency), "--config", str(self._folder / "offsider.toml")]
        with self._log.open("ab") as log:
            # A group of its own: Ctrl-C is for us, and we stop it in order.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_me(),  # noqa: PLW1509 - only system calls; nothing else sets a death signal
            )
        self._workers = [*getattr(self, "_workers", []), process]
        return self._workers

    def _stop_worker(self) -> None:
        worker = self._workers[-1]
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            worker.wait()

    def _wait(self, results: Results, workers: list[subprocess.Popen[bytes]]) -> bool:
        """Until every job has ended; False when interrupted."""
        progress = show.progress(sys.stdout, plain=self._plain)
        try:
            while True:
                counts = results.counts()
                progress.show(counts)
                if counts.ended >= counts.total:
                    return True
                if self._told.wait(LOOK_EVERY_S):
                    return False
                if self._workers[-1].poll() is not None:
                    self._replace(workers)
        finally:
            progress.close()

    def _replace(self, workers: list[subprocess.Popen[bytes]]) -> None:
        code = workers[-1].returncode
        if len(workers) >= MOST_WORKERS:
            raise DemoError(f"{len(workers)} workers have ended, the last one with {code}. Look into {self._log}")
        click.echo(f"The worker ended with {code}. Another one takes over; what ran is given back in about 20 s.")
        self._start_worker()


def fresh(folder: Path) -> None:
    """Forget an earlier run."""
    if not folder.exists():
        return
    ours = {"offsider.toml", "results.db", "lock"}
    if any(folder.iterdir()) and not ours.intersection(path.name for path in folder.iterdir()):
        raise DemoError(f"{folder} is not a folder of this demo; nothing was removed. Choose another --data-dir")
    server = ensure(folder)
    if not server.started:
        raise DemoError(f"another run uses {folder}. Wait for its end, or choose another --data-dir")
    server.close()
    shutil.rmtree(folder)


def _clear(environment: MutableMapping[str, str]) -> None:
    """The demo has settings of its own; the ones of this shell are for other apps."""
    for name in [name for name in environment if name.startswith("OFFSIDER_") and name != "OFFSIDER_EDITIONS"]:
        del environment[name]


def _quoted(text: str) -> str:
    """A basic string of TOML, which JSON's are, but for one letter."""
    return json.dumps(text).replace("\x7f", "\\u007f")


@contextmanager
def _interruptible(told: threading.Event) -> Iterator[None]:
    """INT and TERM set ``told``."""
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, lambda *_: told.set())
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


__all__ = ["Demo", "DemoError", "Key", "fresh"]

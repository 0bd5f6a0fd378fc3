"""Runs a worker in the main thread and obeys signals: TERM and INT stop, TSTP quiets, TTIN shows stacks."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from .systemd import Watchdog, notify, watchdog_s
from .worker import Worker

log = logging.getLogger("offsider.worker")

SIGNALS = ("SIGTERM", "SIGINT", "SIGTSTP", "SIGTTIN")
LAST_WORDS_S = 15.0  # after the grace: for stopping bodies and saying good-bye to Redis
EXIT_FAILED = 75  # EX_TEMPFAIL: a supervisor should start us again
LOOK_EVERY_S = 1.0
IMPATIENT_S = 0.1


def run(worker: Worker) -> int:
    """Run until told to stop; returns the process's exit code.

    Handlers that were there before are called first, and put back at the end.
    """
    told: SimpleQueue[str] = SimpleQueue()
    previous = _listen(told)
    worker.on_signal = lambda name: told.put(f"SIG{name}")
    try:
        settle_memory()
        worker.start()
        watchdog = _start_watchdog(worker)
        notify("READY=1")
        _obey(worker, told)
        notify("STOPPING=1")
        _stop_in_time(worker, told)
        if watchdog is not None:
            watchdog.stop()
        return _exit_code(worker)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def settle_memory() -> None:
    """What was imported stays: the garbage collector need not look at it again with each full collection.

    A tenth of the time of jobs that do nothing goes into such looks otherwise.
    """
    gc.collect()
    gc.freeze()


def _listen(told: SimpleQueue[str]) -> dict[int, Any]:
    previous: dict[int, Any] = {}
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        before = signal.getsignal(number)
        previous[number] = before

        def handle(signum: int, frame: FrameType | None, *, name: str = name, before: Any = before) -> None:
            if callable(before) and before is not signal.default_int_handler:
                before(signum, frame)
            told.put(name)  # SimpleQueue.put is reentrant: safe in a handler

        signal.signal(number, handle)
    return previous


def _obey(worker: Worker, told: SimpleQueue[str]) -> None:
    while not worker.failed.is_set():
        try:
            name = told.get(timeout=LOOK_EVERY_S)
        except Empty:
            worker.check_health()
            continue
        log.info("got %s", name)
        if name in ("SIGTERM", "SIGINT"):
            return
        if name == "SIGTSTP":
            worker.quiet()
        else:
            log.warning("stacks of all threads and tasks:\n%s", worker.stacks())


def _stop_in_time(worker: Worker, told: SimpleQueue[str]) -> None:
    """Stop; be gone by the deadline even when Redis is gone or a body does not listen."""
    grace_s = worker.settings.worker.shutdown_timeout_s
    last = threading.Timer(grace_s + LAST_WORDS_S, _leave, [worker])
    last.daemon = True
    last.start()
    stopping = threading.Thread(target=worker.stop, name="offsider-stop")
    stopping.start()
    while stopping.is_alive():
        _hurry_when_told_again(worker, told)
        stopping.join(IMPATIENT_S)
    last.cancel()
    if worker.busy():
        log.error("%d jobs did not listen; the process ends with them, other workers run them again", worker.busy())
        _leave(worker)


def _hurry_when_told_again(worker: Worker, told: SimpleQueue[str]) -> None:
    try:
        name = told.get_nowait()
    except Empty:
        return
    if name == "SIGINT":
        log.warning("got SIGINT again: running jobs are stopped now and handed back")
        worker.hurry()


def _leave(worker: Worker) -> None:
    logging.shutdown()
    os._exit(_exit_code(worker))


def _exit_code(worker: Worker) -> int:
    return EXIT_FAILED if worker.failed.is_set() else 0


def _start_watchdog(worker: Worker) -> Watchdog | None:
    every_s = watchdog_s()
    if every_s is None:
        return None
    watchdog = Watchdog(worker.healthy, every_s)
    watchdog.start()
    return watchdog

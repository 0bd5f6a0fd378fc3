"""Runs a job twice, and after simulated crashes, and compares what it has left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..app import App
from ..errors import InvalidOption
from ..job.define import Enqueuer
from ..job.push import PushRequest
from ..job.record import dumps
from .crash import Crashing
from .death import Crash
from .runner import Ran, Runner
from .spy import Spy

MOST_CRASHES = 100


@dataclass(slots=True)
class Runs:
    """What happened, for a test to look at.

    Attributes:
        states: What ``state`` gave after the first complete run, and after the second.
        enqueued: The calls of other jobs, ``name(args)``, that each complete run has made.
        results: What the body returned, each time.
        crashes: How many simulated crashes came before the first complete run.
    """

    states: list[Any] = field(default_factory=list)
    enqueued: list[list[str]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    crashes: int = 0


def assert_idempotent(
    job: Enqueuer[..., Any],
    *args: Any,
    state: Callable[[], Any] | None = None,
    crashes: bool = True,
    **kwargs: Any,
) -> Runs:
    """Fail unless running a job again changes nothing: what a worker does after a death.

    The job runs under one id. With ``crashes`` it first dies at each push that it makes, before and after the push took
    effect, and, when it is resumable, at its first yield, and is run again, as it would be; then it runs to its end;
    then once more.

    Args:
        job: A job.
        args, kwargs: The call.
        state: What the job changes, as a value that can be compared, e.g. the rows of a table. Without it nothing is
            compared, and the runs are yours to look at.
        crashes: Whether to simulate deaths first. It tells the pushes of this job only.

    Returns:
        The two complete runs.

    Raises:
        AssertionError: The state after the second complete run is another than after the first.
        InvalidOption: A client middleware has stopped it.
        Exception: What the body raises.

    Example:
        >>> from offsider import App
        >>> app = App(editions=[])
        >>> paid = set()
        >>> @app.job
        ... def pay(order: int) -> None:
        ...     paid.add(order)
        >>> runs = assert_idempotent(pay, 7, state=lambda: sorted(paid))
        >>> runs.states
        [[7], [7]]
    """
    trial = _Trial(job, job.request(*args, **kwargs))
    try:
        runs = Runs()
        if crashes:
            runs.crashes = trial.crash_at_yields() + trial.crash_everywhere()
        for _ in range(2):
            result, enqueued = trial.complete()
            runs.results.append(result)
            runs.enqueued.append(enqueued)
            if state is not None:
                runs.states.append(state())
    finally:
        trial.close()
    if state is not None and runs.states[0] != runs.states[1]:
        raise AssertionError(
            f"{job.job_name} is not idempotent: running it again changed the state"
            f"\n  after the first run:  {runs.states[0]!r}\n  after the second run: {runs.states[1]!r}"
            "\nMake the effect depend on the job's id (ctx.jid), which stays the same"
        )
    return runs


def app_of(job: Enqueuer[..., Any]) -> App:
    """The app of a job.

    Raises:
        InvalidOption: Its pushes are diverted to something that does not tell.
    """
    app = getattr(job.pusher, "app", None)
    if isinstance(app, App):
        return app
    raise InvalidOption(f"the pushes of {job.job_name} go to {job.pusher!r}, which has no `app`: give it one")


class _Trial:
    """One payload, run again and again; what it pushes goes nowhere."""

    def __init__(self, job: Enqueuer[..., Any], request: PushRequest) -> None:
        self._app = app_of(job)
        accepted = self._app.accept(request)
        if accepted is None:
            raise InvalidOption(f"a client middleware stopped {job.job_name}: there is nothing to run")
        self._payload, self._queue = dumps(accepted.record), str(accepted.record["queue"])
        self._runner = Runner(self._app)

    def close(self) -> None:
        """End what the runner has started."""
        self._runner.close()

    def crash_everywhere(self) -> int:
        """Die at each push in turn, before and after it took effect; how often there was one to die at."""
        count = 0
        for number in range(1, MOST_CRASHES):
            for after in (False, True):
                crashing = Crashing(Spy(self._app), number, after)
                ran = self._run(crashing)
                if not crashing.crashed:
                    return count
                if ran.kind == "lost":
                    count += 1
        return count

    def crash_at_yields(self) -> int:
        """Die at the first yield, before and after its cursor was kept, and go on from there; how often it did."""
        cursors, count = self._runner.cursors, 0
        for after in (False, True):
            cursors.die_at(1, after=after)
            self._run(Spy(self._app))
            count += cursors.crashed
            cursors.live()
        return count

    def complete(self) -> tuple[Any, list[str]]:
        """Run to the end; the result, and what was enqueued."""
        spy = Spy(self._app)
        ran = self._run(spy)
        return ran.result, spy.calls

    def _run(self, pusher: Any) -> Ran:
        with self._app.divert(lambda _pusher: pusher):
            ran = self._runner.run_to_end(self._payload, self._queue)
        if ran.error is not None and not isinstance(ran.error, Crash):
            raise ran.error
        return ran

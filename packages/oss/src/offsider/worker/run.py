"""One run of a resumable job: how far it is, what of that is kept, and whether it has to end here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import clock
from ..contract.work import Interrupted
from ..errors import LostJob, StoreError
from ..job import record as records
from ..job.outcome import Cancel, Snooze
from .cursors import Keeper

if TYPE_CHECKING:
    from ..job.resumable import ResumableJob
    from .execution import Execution

log = logging.getLogger("offsider.worker")

AGAIN_S = (0.02, 0.1, 0.4)  # a fetcher that gets another name, after a lost reply, is a round trip from its new one
AFTER_OUTAGE_S = 5.0


class Run:
    """From a cursor on, as far as it comes.

    * `step` takes over what was yielded, at once: the body may change it afterwards;
    * `keep` is a trip to Redis, under the owner's name: what is refused was not ours any more;
    * `verdict` says whether the run ends here.

    Attributes:
        cancelled: Somebody has cancelled the job.
    """

    def __init__(
        self,
        job: ResumableJob[Any, Any, Any],
        execution: Execution,
        state: Mapping[str, str],
        kept: Keeper,
        *,
        every_s: float,
        grace_s: float,
    ) -> None:
        self.cancelled = "cancelled" in state
        self._job = job
        self._execution = execution
        self._kept = kept
        self._every_s = every_s
        self._grace_s = grace_s
        self._text = state.get("c")
        self._known = bool(state)  # there is a hash
        self._runs = _count(state.get("ex")) + 1
        self._ran_s = _seconds(state.get("rt"))
        self._most_s = execution.record.get("max_run_s")
        self._unkept = 0  # steps since the cursor was kept
        self._again_s = self._stepped_s = self._began_s = clock.monotonic_s()
        self._told_long = self._told_away = False
        self._lock = threading.Lock()  # a keep that its task has left behind may still be under way

    def start(self) -> Any:
        """The generator.

        Raises:
            InvalidArguments: The cursor does not fit the code as it is in this process.
        """
        cursor = None if self._text is None else self._job.cursor.decode(self._text)
        self._stepped_s = self._began_s = clock.monotonic_s()
        self._again_s = self._began_s + self._every_s
        return self._job.fn(cursor, *self._execution.args, **self._execution.kwargs)

    def step(self, value: Any) -> None:
        """The body has yielded: everything up to here is done."""
        now_s = clock.monotonic_s()
        if now_s - self._stepped_s > self._grace_s and not self._told_long:
            self._tell_long(now_s - self._stepped_s)
        if value is not None:
            self._text = self._job.cursor.encode(value)
            self._unkept += 1
        self._stepped_s = now_s

    @property
    def is_due(self) -> bool:
        """True when it is time for `keep`."""
        return clock.monotonic_s() >= self._again_s

    def keep(self) -> None:
        """Keep the cursor; hear whether the job is cancelled. An outage of Redis does not end the run.

        Raises:
            Interrupted: The job is not ours any more, as far as we know.
            LostJob: It surely is not.
        """
        try:
            with self._lock:
                self._keep()
            self._again_s = clock.monotonic_s() + self._every_s
            self._told_away = False
        except StoreError as error:
            self._again_s = clock.monotonic_s() + max(self._every_s, AFTER_OUTAGE_S)
            if not self._told_away:
                self._told_away = True
                log.warning("job %s goes on, but its cursor is not kept just now: %s", self._who, error)

    def keep_last(self) -> None:
        """The run ends, and not well: keep what it has done. Never fails: why it ended is what counts.

        A job that was cancelled has ended for good: nothing is kept of it.
        """
        if self._execution.cancelled and not self._execution.lost:
            self.over(None)
            return
        try:
            with self._lock:
                if self._unkept and not self._execution.lost:
                    self._keep()
        except (Interrupted, LostJob):
            log.info("job %s was given to another process: its cursor here is not kept", self._who)
        except StoreError as error:
            log.error("job %s: its last %d steps will be repeated: %s", self._who, self._unkept, error)

    def verdict(self) -> Cancel | None:
        """What ends the run at this yield; None to go on.

        Raises:
            LostJob: It runs elsewhere.
            Interrupted: It goes on later.
        """
        execution = self._execution
        if execution.lost:
            raise LostJob(f"job {self._who} was given to another process")
        if self.cancelled or execution.hears_cancel():
            return self.cancel()
        if execution.capsule.quieted:
            raise Interrupted("this process stops")
        if self._most_s is not None and clock.monotonic_s() - self._began_s >= self._most_s:
            raise Interrupted(f"it has run for its max_run_s of {self._most_s:g} s", to_the_end=True)
        return None

    def cancel(self) -> Cancel:
        """What becomes of a job that was cancelled."""
        return Cancel("on request")

    def over(self, result: Any) -> Any:
        """The same result; the job is over with it, unless it snoozes."""
        if self._known and not isinstance(result, Snooze):
            self._kept.forget(self._execution)
        return result

    # -- steps -----------------------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return f"{self._job.name} ({self._execution.jid})"

    def _keep(self) -> None:
        for pause_s in (*AGAIN_S, None):
            if self._tell_redis():
                return
            if pause_s is None:
                break
            threading.Event().wait(pause_s)
        raise Interrupted("it is not ours any more, or Redis has lost it")

    def _tell_redis(self) -> bool:
        """One trip; False when it was refused."""
        execution = self._execution
        # In this order: a capsule that begins anew marks what is lost before it takes the new owner, whose fields have
        # the same names.
        owner = execution.capsule.fetcher.owner
        if execution.lost:
            raise LostJob(f"job {self._who} was given to another process")
        steps, payload = self._unkept, self._innocent()
        fields = self._fields() if steps else {}
        ours, cancelled = self._kept.keep(execution, owner, fields, payload)
        if ours:
            self._unkept -= steps
            self._known = self._known or bool(fields)
            self.cancelled = self.cancelled or cancelled
            if payload:
                execution.unit.payload = payload
        return ours

    def _fields(self) -> dict[str, str]:
        ran_s = self._ran_s + clock.monotonic_s() - self._began_s
        return {"c": self._text or "null", "ex": str(self._runs), "rt": f"{ran_s:.3f}"}

    def _innocent(self) -> bytes:
        """The payload without its count of crashes, once: a job that comes on is not what kills its processes."""
        if not self._unkept or b'"crashes"' not in self._execution.unit.payload:
            return b""
        record = records.loads(self._execution.unit.payload)
        if record.pop("crashes", None) is None:
            return b""
        return records.rewritten(record)

    def _tell_long(self, took_s: float) -> None:
        self._told_long = True
        log.warning(
            "a step of job %s took %.1f s, longer than the grace of a shutdown, %g s: a deploy cuts it off, and it is"
            " repeated. Yield more often, or raise worker.shutdown_timeout_s",
            self._who,
            took_s,
            self._grace_s,
        )


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0


def _seconds(text: str | None) -> float:
    try:
        found = float(text or 0)
    except ValueError:
        return 0.0
    return found if 0 <= found < records.MOST_SECONDS else 0.0

"""Profiles the runs of jobs that ask for it. Other jobs never come here."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import logging
from datetime import UTC, datetime
from typing import Any, ClassVar

from .. import clock
from ..contract.middleware import NextAsync, NextSync, ServerMiddleware
from ..contract.work import Hold
from ..errors import InvalidName, LostJob, Shutdown
from ..job.record import check_name
from ..metrics.profiles import FORMAT, Profile, Profiles
from .retry import error_name

log = logging.getLogger("offsider.worker")

EVERY_S = 0.002  # a look at the stack; each costs about 400 bytes of memory while the job runs
SIGNALS = (Hold, LostJob, Shutdown, asyncio.CancelledError)


class Profiling(ServerMiddleware):
    """Around the bodies of jobs with the field ``profile``: what it says is the profile's token.

    The profile of a run that ended well or failed is kept; that of one that runs again is not. Whatever goes wrong
    with a profile is logged, and the job runs all the same.

    Args:
        profiles: Where they are kept.
    """

    fields: ClassVar[frozenset[str]] = frozenset({"profile"})

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def call(self, execution: Any, next: NextSync) -> Any:
        """Profile a ``def`` job: its thread."""
        recording = _begin(execution, "disabled")
        if recording is None:
            return next(execution)
        try:
            result = next(execution)
        except BaseException as error:
            recording.stop()
            if not isinstance(error, SIGNALS):
                self._keep(recording, error_name(error))
            raise
        recording.stop()
        self._keep(recording, "")
        return result

    async def acall(self, execution: Any, next: NextAsync) -> Any:
        """Profile an ``async def`` job: its task, the time that it waits included."""
        recording = _begin(execution, "enabled")
        if recording is None:
            return await next(execution)
        try:
            result = await next(execution)
        except BaseException as error:
            recording.stop()
            if not isinstance(error, SIGNALS):
                await asyncio.to_thread(self._keep, recording, error_name(error))
            raise
        recording.stop()
        await asyncio.to_thread(self._keep, recording, "")
        return result

    def _keep(self, recording: _Recording, failed: str) -> None:
        try:
            profile = recording.profile(failed)
            self._profiles.keep(profile)
        except Exception:
            log.exception("the profile of job %s could not be kept; the job goes on", recording.jid)
        else:
            log.info("job %s has the profile %s (%d bytes)", recording.jid, profile.name, profile.size)


class _Recording:
    """One run being profiled."""

    def __init__(self, profiler: Any, token: str, execution: Any) -> None:
        self._profiler = profiler
        self._token = token
        self._job = execution.job.name
        self._queue = execution.queue
        self._began_s = clock.now_s()
        self.jid = execution.jid
        self.session: Any = None
        profiler.start()

    def stop(self) -> None:
        """The body has ended."""
        try:
            self.session = self._profiler.stop()
        except Exception:
            log.exception("the profiler of job %s could not be stopped; there is no profile", self.jid)

    def profile(self, failed: str) -> Profile:
        """What was recorded."""
        data = gzip.compress(json.dumps(self.session.to_json()).encode(), 6)
        began = datetime.fromtimestamp(self._began_s, UTC)
        return Profile(
            self._token, self.jid, self._job, self._queue, began, float(self.session.duration), failed, len(data),
            FORMAT, data,
        )  # fmt: skip


def _begin(execution: Any, async_mode: str) -> _Recording | None:
    """A recording that has begun; None when the job asks for none, or there can be none."""
    token = execution.record.get("profile")
    if token is None:
        return None
    try:
        pyinstrument = importlib.import_module("pyinstrument")
        profiler = pyinstrument.Profiler(interval=EVERY_S, async_mode=async_mode)
        return _Recording(profiler, check_name("profile's token", token), execution)
    except ImportError:
        log.warning(
            "job %s asks for a profile, and there is no profiler here: pip install 'offsider[profile]'", execution.jid
        )
    except (InvalidName, RuntimeError) as error:  # pyinstrument: another profiler runs on this thread
        log.warning("job %s asks for a profile, and gets none: %s", execution.jid, error)
    return None

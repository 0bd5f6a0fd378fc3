"""One job that waits in a test: what was enqueued, and what has become of it so far."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..job.record import Record, loads

if TYPE_CHECKING:
    from ..job.define import Job


class FakeJob:
    """A job as it would lie in Redis.

    Attributes:
        payload: The bytes.
        record: The payload, parsed.
        at_s: When it is due, seconds since 1970; None for now.
        job: The registered job.

    Example:
        >>> from offsider import App
        >>> from offsider.testing import fake
        >>> app = App(editions=[])
        >>> @app.job(name="welcome")
        ... def welcome(user: str) -> None: ...
        >>> with fake(app) as jobs:
        ...     jid = welcome.using(queue="mail").enqueue("Ada")
        ...     jobs.jobs[0]
        <FakeJob welcome('Ada') queue='mail'>
    """

    def __init__(self, payload: bytes, at_s: float | None, job: Job[..., Any]) -> None:
        self.payload = payload
        self.record: Record = loads(payload)
        self.at_s = at_s
        self.job = job

    @property
    def args(self) -> list[Any]:
        """The positional arguments, with the annotated types restored."""
        return self._arguments[0]

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments, with the annotated types restored."""
        return self._arguments[1]

    @cached_property
    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        # When they are looked at: middleware may have put something else in their place.
        return self.job.restored(self.record)

    @property
    def jid(self) -> str:
        """The job's id."""
        return str(self.record["jid"])

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.record["class"])

    @property
    def queue(self) -> str:
        """The queue it is in, or goes to when it is due."""
        return str(self.record["queue"])

    @property
    def attempt(self) -> int:
        """0 for one that has not failed yet: what `Context.attempt` will be."""
        return int(self.record["retry_count"]) + 1 if "retry_count" in self.record else 0

    @property
    def error(self) -> str | None:
        """``Class: message`` of the last failure."""
        if "error_class" not in self.record:
            return None
        return f"{self.record['error_class']}: {self.record['error_message']}"

    @property
    def call(self) -> str:
        """The call, as one writes it."""
        words = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        return f"{self.name}({', '.join(words)})"

    def __repr__(self) -> str:
        when = "" if self.at_s is None else f" at={self.at_s:.0f}"
        failed = f" attempt={self.attempt} error={self.error!r}" if self.error else ""
        return f"<FakeJob {self.call} queue={self.queue!r}{when}{failed}>"

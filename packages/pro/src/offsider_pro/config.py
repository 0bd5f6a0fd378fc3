"""The settings of this edition: ``[pro]`` in the file, ``OFFSIDER_PRO_…``, ``App(pro={…})``."""

from __future__ import annotations

from pydantic import Field, field_validator

from offsider.config.model import Seconds, Section, Texts

from .statsd import parse_address


class SpoolSettings(Section):
    """The spool: where pushes wait while Redis is away.

    Attributes:
        enabled: False: a push that Redis does not answer is an error of its caller, as in the free edition.
        folder: On a disk that outlives the process; ``~/.local/state/offsider/spool`` when None.
        most_jobs, most_bytes: How much waits at most on this machine, for each Redis and namespace.
        after_s: How long a push is tried before it is kept.
        remember_s: For how long Redis remembers each push: one in doubt that is delivered later may run twice.
    """

    enabled: bool = True
    folder: str | None = None
    most_jobs: int = Field(default=100_000, ge=1)
    most_bytes: int = Field(default=256_000_000, ge=1_000_000)
    after_s: Seconds = 1.0
    remember_s: float = Field(default=86_400.0, ge=3600, le=30 * 86_400)


class ProSettings(Section):
    """What can be set under ``[pro]``.

    Attributes:
        statsd: Where metrics of jobs are sent: ``"127.0.0.1:8125"``, or ``"unix:/run/statsd.sock"``; nowhere when None.
        statsd_prefix: What stands before each metric's name.
        statsd_tags: Tags of all metrics, e.g. ``["env:production"]``.
        statsd_distributions: Send ``…_dist``, too, which only Datadog's agent understands.
        reliable_fetch: Find dead processes within seconds, with the cause, by a companion of each worker process.
        guard_s: So long a process may not be heard before it is taken for dead, in seconds.
        hang_s: So long one job may keep the interpreter to itself before its process is taken for frozen, in seconds.
        run_alone: Run jobs that were in flight when their process died each in a process of its own.
        alone_by_fork: Fork these from one that has imported the app; false: a fresh one for each, which takes longer.
        spool: Where pushes wait while Redis is away.
        costs: Measure what jobs cost their workers.
        costs_every_s: A run of each class is measured at most so often, in each worker.
    """

    statsd: str | None = None
    statsd_prefix: str = "sidekiq."
    statsd_tags: Texts = Field(default_factory=list)
    statsd_distributions: bool = True
    reliable_fetch: bool = True
    guard_s: float = Field(default=3.0, ge=2, le=60)
    hang_s: float = Field(default=300.0, ge=5, le=86_400)
    run_alone: bool = True
    alone_by_fork: bool = True
    spool: SpoolSettings = Field(default_factory=SpoolSettings)
    costs: bool = True
    costs_every_s: Seconds = 1.0

    @field_validator("statsd")
    @classmethod
    def _check_statsd(cls, statsd: str | None) -> str | None:
        if statsd is not None:
            parse_address(statsd)
        return statsd

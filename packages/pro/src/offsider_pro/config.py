"""The settings of this edition: ``[pro]`` in the file, ``OFFSIDER_PRO_…``, ``App(pro={…})``."""

from __future__ import annotations

from pydantic import Field, field_validator

from offsider.config.model import Section, Texts

from .statsd import parse_address


class ProSettings(Section):
    """What can be set under ``[pro]``.

    Attributes:
        statsd: Where metrics of jobs are sent: ``"127.0.0.1:8125"``, or ``"unix:/run/statsd.sock"``; nowhere when None.
        statsd_prefix: What stands before each metric's name.
        statsd_tags: Tags of all metrics, e.g. ``["env:production"]``.
        statsd_distributions: Send ``…_dist``, too, which only Datadog's agent understands.
    """

    statsd: str | None = None
    statsd_prefix: str = "sidekiq."
    statsd_tags: Texts = Field(default_factory=list)
    statsd_distributions: bool = True

    @field_validator("statsd")
    @classmethod
    def _check_statsd(cls, statsd: str | None) -> str | None:
        if statsd is not None:
            parse_address(statsd)
        return statsd

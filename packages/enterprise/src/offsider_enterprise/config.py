"""The settings of this edition: ``[enterprise]`` in the file, ``OFFSIDER_ENTERPRISE_…``, ``App(enterprise={…})``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from offsider.config.model import Seconds, Section
from offsider.errors import InvalidOption

from .encryption.settings import EncryptionSettings
from .unique.settings import UniqueSettings

if TYPE_CHECKING:
    from offsider import App
    from offsider.shards import Shard


class CronSettings(Section):
    """An entry of the crontab: ``[enterprise.cron.NAME]``.

    Attributes:
        job: The job's name.
        cron: Five fields.
        zone: Whose wall clock they are on; `cron_zone` when not set.
        args, kwargs: Arguments, as JSON has them.
        options: Options of the job for these runs, as ``job.using(…)`` takes them.
        missed: ``skip``, ``once`` or ``all``: what happens to runs that were missed.
        window_s: How far back ``once`` and ``all`` go.
    """

    job: str
    cron: str
    zone: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    missed: Literal["skip", "once", "all"] = "once"
    window_s: Seconds = 86_400.0


class EnterpriseSettings(Section):
    """What can be set under ``[enterprise]``.

    Attributes:
        leader: Whether workers with these settings may become the leader.
        leader_lease_s: How long a leader that has died, or is frozen, keeps others from leading.
        encryption: The keys, see `EncryptionSettings`.
        unique: Of unique jobs, see `UniqueSettings`.
        cron_zone: The zone of entries of the crontab that name none.
        cron_history: How many runs of an entry are kept.
        cron: Entries of the crontab, by name.
    """

    leader: bool = True
    leader_lease_s: float = Field(default=15.0, ge=1, le=300)
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)
    unique: UniqueSettings = Field(default_factory=UniqueSettings)
    cron_zone: str = "UTC"
    cron_history: int = Field(default=25, ge=5, le=1000)
    cron: dict[str, CronSettings] = Field(default_factory=dict)

    @field_validator("cron_zone")
    @classmethod
    def _check_zone(cls, zone: str) -> str:
        from .cron.wall import WallClock

        try:
            WallClock(zone)
        except InvalidOption as error:
            raise ValueError(str(error)) from None
        return zone


def settings_of(app: App | Shard) -> EnterpriseSettings:
    """The section of an app that has this edition."""
    settings: Any = app.settings
    section: EnterpriseSettings = settings.enterprise
    return section

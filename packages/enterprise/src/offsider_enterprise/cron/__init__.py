"""Jobs that run by themselves: at each instant of an entry one job is enqueued, once, by whoever comes first."""

from __future__ import annotations

from .crontab import Crontab
from .entry import Cron
from .instant import instant
from .run import Run
from .schedule import Schedule
from .state import CronEntry

__all__ = ["Cron", "CronEntry", "Crontab", "Run", "Schedule", "instant"]

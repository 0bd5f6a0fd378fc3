"""``manage.py offsider_worker``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ....command import run_worker
from ...project import project_app


class Command(BaseCommand):  # type: ignore[misc]
    """The worker of the project's app."""

    help = "Runs the project's jobs until told to stop. Signals: TERM and INT stop, TSTP fetches no more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of ``offsider worker``."""
        parser.add_argument("-q", "--queue", action="append", dest="queues", metavar="NAME[:WEIGHT]")
        parser.add_argument("-c", "--concurrency", type=int, help="jobs at once")
        parser.add_argument("-t", "--timeout", type=float, help="seconds for running jobs at TERM")
        parser.add_argument("--log-level", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
        parser.add_argument("--log-format", choices=["pretty", "json", "logfmt"])

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run, and end with the worker's exit code."""
        names = ("queues", "concurrency", "timeout", "log_level", "log_format")
        sys.exit(run_worker(project_app(), **{name: options[name] for name in names}))

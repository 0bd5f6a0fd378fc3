"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..terms import EDITIONS, MOST_GRACE_DAYS

F = TypeVar("F", bound=Callable[..., Any])
UNLIMITED = "unlimited"

edition = click.Choice(list(EDITIONS))
as_json = click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of words.")
kid = click.option("--kid", help="The signing key, when there are several.")
out = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The licence file. [LICENCE.license]")
key_file = click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the index key here, not to the screen."
)


def threads(value: str | int) -> str | int:
    """A number of threads, or the word for no limit."""
    try:
        return value if value == UNLIMITED else int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r}: expected a number of threads, or {UNLIMITED}") from None


def period(function: F) -> F:
    """``--until`` and ``--for``."""
    until = click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day (UTC).")
    return until(click.option("--for", "period", metavar="PERIOD", help="For so long: 30d, 13m, 1y.")(function))


def grace_days(default: int | None) -> Callable[[F], F]:
    """``--grace-days``."""
    return click.option(
        "--grace-days", type=click.IntRange(0, MOST_GRACE_DAYS), default=default, show_default=default is not None,
        help="Days after the end in which later versions still work.",
    )  # fmt: skip

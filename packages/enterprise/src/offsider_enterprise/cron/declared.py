"""What the code and the settings of an app declare. Reads both; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offsider.errors import DuplicateName, InvalidOption, shown
from offsider.job.options import seconds

from ..config import settings_of
from .entry import CODE, SETTINGS, Cron, Entry, check, job_of, lives_here

if TYPE_CHECKING:
    from offsider import App
    from offsider.job.define import Job


def option(value: object) -> tuple[Cron, ...]:
    """What the option ``cron`` may be: five fields, a `Cron`, or several of them.

    Raises:
        InvalidOption: It is something else.

    Example:
        >>> option("*/5 * * * *")[0].cron
        '*/5 * * * *'
        >>> option(None)
        ()
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (Cron(value),)
    given = (value,) if isinstance(value, Cron) else value
    if isinstance(given, (list, tuple)) and all(isinstance(one, Cron) for one in given):
        return tuple(given)
    raise InvalidOption(f"cron is {shown(value)}: expected five fields, e.g. '*/5 * * * *', a Cron, or a list of them")


def declared(app: App) -> dict[str, Entry]:
    """The entries of the code and of the settings, by name, checked.

    Those whose queue is in another shard are left out: the processes that serve it declare them.

    Raises:
        OffsiderError: An entry cannot be, or two have one name.
    """
    found: dict[str, Entry] = {}
    for entry in (*_of_code(app), *_of_settings(app)):
        if not lives_here(app, _target(app, entry)):
            continue
        check(app, entry)
        other = found.get(entry.name)
        if other is not None:
            raise DuplicateName(
                f"two cron entries have the name {entry.name!r}: of job {other.job!r} ({other.source}) and of job"
                f" {entry.job!r} ({entry.source}). Give one another name, e.g. Cron(…, name=…)"
            )
        found[entry.name] = entry
    return found


def _target(app: App, entry: Entry) -> Any:
    job = job_of(app, entry.job)
    return job.using(**{name: value for name, value in entry.options.items() if name in ("queue", "shard")})


def _of_code(app: App) -> Iterator[Entry]:
    zone = settings_of(app).cron_zone
    for job in app.jobs.values():
        for cron in job.options.local.get("cron", ()):
            yield _entry(job, cron, zone)


def _entry(job: Job[..., Any], cron: Cron, zone: str) -> Entry:
    args, kwargs = job.arguments.encode(tuple(cron.args), dict(cron.kwargs))
    return Entry(
        cron.name or job.name,
        job.name,
        cron.cron,
        cron.zone or zone,
        list(args),
        dict(kwargs),
        dict(cron.options),
        cron.missed,
        seconds(cron.window, "window"),
        CODE,
    )


def _of_settings(app: App) -> Iterator[Entry]:
    settings = settings_of(app)
    for name, one in settings.cron.items():
        zone = one.zone or settings.cron_zone
        yield Entry(
            name, one.job, one.cron, zone, one.args, one.kwargs, one.options, one.missed, one.window_s, SETTINGS
        )

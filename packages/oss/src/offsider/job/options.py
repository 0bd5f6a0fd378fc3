"""Job options: checked by name and value, merged, and written to the payload. Never does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ..errors import InvalidOption, UnknownOption, shown, suggest
from .record import MOST_SECONDS, Record, check_json, check_name

Delay = Callable[[int, BaseException], float | None]
Hook = Callable[[Record, BaseException], object]

MOST_RESULT_S = 30 * 86_400


def seconds(value: object, name: str) -> float:
    """A duration in seconds.

    Args:
        value: Seconds, or a `timedelta`.
        name: What to call it in the error.

    Raises:
        InvalidOption: It is neither, or negative, or not finite, or over 30 years.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST_SECONDS:
        raise InvalidOption(f"{name} is {shown(value)}: expected seconds (0 or more, under 30 years) or a timedelta")
    return float(value)


@dataclass(frozen=True, slots=True)
class Retry:
    """What to do when a job fails.

    Args:
        max: Retries after the first attempt; 0 means: dead at the first failure.
        for_: Instead of a count: retry for this long since the first failure (seconds or `timedelta`).
        delay: Seconds before each retry, or ``(attempt, error) -> seconds | None``; None takes the default formula.
        skip: Errors that are never retried: the job dies at once.
        discard: Errors that drop the job: not retried, not kept.
        queue: The queue for retries.

    Example:
        >>> Retry(max=8, skip=(ValueError,)).max
        8
    """

    max: int = 25
    for_: float | timedelta | None = None
    delay: float | Delay | None = None
    skip: tuple[type[BaseException], ...] = ()
    discard: tuple[type[BaseException], ...] = ()
    queue: str | None = None

    def __post_init__(self) -> None:
        if type(self.max) is not int or self.max < 0:
            raise InvalidOption(f"Retry(max={shown(self.max)}): expected a whole number, 0 or more")
        if self.for_ is not None:
            seconds(self.for_, "Retry(for_=…)")
        if self.delay is not None and not callable(self.delay):
            seconds(self.delay, "Retry(delay=…)")
        if self.queue is not None:
            check_name("queue", self.queue)
        for field_name in ("skip", "discard"):
            object.__setattr__(self, field_name, _errors(field_name, getattr(self, field_name)))


def _errors(name: str, value: object) -> tuple[type[BaseException], ...]:
    """A tuple of error classes; one class alone is taken for a tuple of one."""
    given = value if isinstance(value, (tuple, list)) else (value,)
    if all(isinstance(one, type) and issubclass(one, BaseException) for one in given):
        return tuple(given)
    raise InvalidOption(f"Retry({name}={shown(value)}): expected classes of errors, e.g. {name}=(ValueError,)")


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """An option: one of the core's, or one that an edition or a plug-in adds.

    Args:
        name: The keyword, and the field of the payload.
        owner: Who added it, for messages.
        validate: The given value → the value for the payload; raises `InvalidOption`.
        fields: True for the core's own: ``validate`` returns fields of `JobOptions` instead.
        wire: False for one that is about the job and not about one run of it: it is in no payload, but in
            ``job.options.local``, may be any value, and is for ``app.job(…)`` only.

    Example:
        >>> OptionSpec("tenant", "my-plugin", str).validate(7)
        '7'
    """

    name: str
    owner: str
    validate: Callable[[Any], Any]
    fields: bool = False
    wire: bool = True


@dataclass(frozen=True, slots=True)
class JobOptions:
    """All options of one job, checked. ``retry`` None means: no retry and not kept when it fails."""

    queue: str = "default"
    retry: Retry | None = field(default_factory=Retry)
    retry_is_default: bool = True
    timeout_s: float | None = None
    max_run_s: float | None = None
    result_ttl_s: float | None = None
    tags: tuple[str, ...] = ()
    display_name: str | None = None
    dead: bool = True
    backtrace: bool | int = False
    log_level: str | None = None
    on_exhausted: Hook | None = None
    transaction: bool = True
    profile: str | None = None
    shard: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)


def _retry(value: object) -> dict[str, Any]:
    if isinstance(value, Retry):
        return {"retry": value, "retry_is_default": False}
    if value is True:
        return {"retry": Retry(), "retry_is_default": True}
    if value is False:
        return {"retry": None, "retry_is_default": False}
    if type(value) is int and value >= 0:
        return {"retry": Retry(max=value), "retry_is_default": False}
    raise InvalidOption(f"retry is {shown(value)}: expected True, False, a whole number or Retry(…)")


def _max_run_s(value: object) -> dict[str, Any]:
    if value is None:
        return {"max_run_s": None}
    most_s = seconds(value, "max_run_s")
    if most_s == 0:
        raise InvalidOption(
            "max_run_s is 0: expected more; a run always comes to its next yield, however long it takes"
        )
    return {"max_run_s": most_s}


def _result_ttl(value: Any) -> float:
    ttl_s = seconds(value, "result_ttl")
    if not 1 <= ttl_s <= MOST_RESULT_S:
        raise InvalidOption(f"result_ttl is {shown(value)}: expected one second to 30 days, or None to keep nothing")
    return ttl_s


def _tags(value: object) -> dict[str, Any]:
    if isinstance(value, (list, tuple)) and all(isinstance(tag, str) for tag in value):
        return {"tags": tuple(value)}
    raise InvalidOption(f"tags is {shown(value)}: expected a list of texts")


def _backtrace(value: object) -> dict[str, Any]:
    if type(value) in (bool, int) and int(value) >= 0:  # type: ignore[call-overload]
        return {"backtrace": value}
    raise InvalidOption(f"backtrace is {shown(value)}: expected True, False or how many lines to keep")


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _log_level(value: object) -> dict[str, Any]:
    if value is None or (isinstance(value, str) and value.upper() in LEVELS):
        return {"log_level": None if value is None else str(value).upper()}
    raise InvalidOption(f"log_level is {shown(value)}: expected one of {', '.join(LEVELS)}")


def _typed(name: str, kinds: tuple[type, ...], expected: str) -> Callable[[object], dict[str, Any]]:
    def check(value: object) -> dict[str, Any]:
        if isinstance(value, kinds):
            return {name: value}
        raise InvalidOption(f"{name} is {shown(value)}: expected {expected}")

    return check


def _on_exhausted(value: object) -> dict[str, Any]:
    if value is None or callable(value):
        return {"on_exhausted": value}
    raise InvalidOption(f"on_exhausted is {shown(value)}: expected a function of the record and the error")


_VALIDATORS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "queue": lambda value: {"queue": check_name("queue", value)},
    "retry": _retry,
    "timeout": lambda value: {"timeout_s": None if value is None else seconds(value, "timeout")},
    "max_run_s": _max_run_s,
    "result_ttl": lambda value: {"result_ttl_s": None if value is None else _result_ttl(value)},
    "tags": _tags,
    "display_name": _typed("display_name", (str, type(None)), "a text"),
    "dead": _typed("dead", (bool,), "True or False"),
    "backtrace": _backtrace,
    "log_level": _log_level,
    "on_exhausted": _on_exhausted,
    "shard": lambda value: {"shard": None if value is None else check_name("shard", value)},
    "transaction": _typed("transaction", (bool,), "True or False"),
    "profile": lambda value: {"profile": None if value is None else check_name("profile's token", value)},
}

CORE = [OptionSpec(name, "core", validate, fields=True) for name, validate in _VALIDATORS.items()]


def resolve(
    base: JobOptions | None, given: Mapping[str, Any], specs: Mapping[str, OptionSpec], *, job: str
) -> JobOptions:
    """Options over a base.

    Args:
        base: The job's own options; the defaults when None.
        given: What was written, by name.
        specs: All options, the core's and those that editions added.
        job: The job's name, for messages.

    Raises:
        UnknownOption: A name nobody registered; the message lists all, by owner, and the nearest.
        InvalidOption: A value it cannot have, or an option that is for ``app.job(…)`` only.
        NotJson: An option's ``validate`` gave a value that JSON cannot carry.
    """
    options = base or JobOptions()
    changes: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    local: dict[str, Any] = {}
    for name, value in given.items():
        spec = specs.get(name)
        if spec is None:
            raise UnknownOption(_unknown(name, specs, job))
        if spec.fields:
            changes.update(spec.validate(value))
        elif not spec.wire:
            local[name] = _local(spec, value, base, job)
        else:
            extra[name] = spec.validate(value)
            check_json(extra[name], f"option {name}")
    if extra:
        changes["extra"] = {**options.extra, **extra}
    if local:
        changes["local"] = local
    return replace(options, **changes) if changes else options


def _local(spec: OptionSpec, value: object, base: JobOptions | None, job: str) -> Any:
    if base is not None:
        raise InvalidOption(f"job {job!r} has the option {spec.name!r} for one call: it belongs to @app.job(…)")
    return spec.validate(value)


def _unknown(name: str, specs: Mapping[str, OptionSpec], job: str) -> str:
    owners: dict[str, list[str]] = {}
    for spec in specs.values():
        owners.setdefault(spec.owner, []).append(spec.name)
    known = "; ".join(f"{owner} ({', '.join(names)})" for owner, names in owners.items())
    return f"job {job!r} has the option {name!r}.{suggest(name, specs)}\nOptions come from: {known}."


def to_wire(options: JobOptions) -> Record:
    """The fields of the payload, in Sidekiq's names; what is a default is left out, but ``retry``."""
    record: Record = {"retry": _wire_retry(options)}
    retry = options.retry
    if retry is not None and retry.for_ is not None:
        record["retry_for"] = int(seconds(retry.for_, "for_"))
    if retry is not None and retry.queue is not None:
        record["retry_queue"] = retry.queue
    if options.timeout_s is not None:
        record["timeout"] = options.timeout_s
    if options.max_run_s is not None:
        record["max_run_s"] = options.max_run_s
    if options.result_ttl_s is not None:
        record["result_ttl"] = options.result_ttl_s
    if options.tags:
        record["tags"] = list(options.tags)
    if options.display_name is not None:
        record["display_class"] = options.display_name
    if not options.dead:
        record["dead"] = False
    if options.backtrace:
        record["backtrace"] = options.backtrace
    if options.log_level is not None:
        record["log_level"] = options.log_level
    if options.profile is not None:
        record["profile"] = options.profile
    record.update(options.extra)
    return record


def _wire_retry(options: JobOptions) -> bool | int:
    if options.retry is None:
        return False
    return True if options.retry_is_default else options.retry.max

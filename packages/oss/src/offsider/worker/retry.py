"""What becomes of a job that failed: again later, dead, or discarded. Decides; never talks to Redis."""

from __future__ import annotations

import base64
import json
import logging
import traceback
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

from .. import clock
from ..errors import InvalidOption
from ..job.backoff import delay_s
from ..job.options import seconds
from ..job.outcome import Outcome
from ..job.record import Record
from ..job.sealing import FAILURE, unmark

if TYPE_CHECKING:
    from ..job.options import Retry

log = logging.getLogger("offsider.worker")

MOST_ERROR_TEXT = 10_000  # characters of an error's message that are kept
MOST_RETRIES = 25


def after_failure(
    record: Record, error: BaseException, retry: Retry | None, *, rng: Random, retries: int = MOST_RETRIES
) -> Outcome:
    """The outcome of a failed attempt.

    Args:
        record: A fresh copy of the job as it lies in Redis; it is changed and becomes the next payload.
        error: What the body raised.
        retry: The job's policy as it is in the code; None for a job that is known by its record only.
        rng: Where the jitter comes from.
        retries: The limit for ``"retry": true``.

    Returns:
        ``retry`` with a delay, ``dead``, or ``discarded``, each with the record to keep.
    """
    note_failure(record, error)
    if retry is not None and isinstance(error, retry.discard):
        return Outcome.discarded(record, error)
    if retry is not None and isinstance(error, retry.skip):
        return _exhausted(record, error)
    if _is_exhausted(record, retries):
        return _exhausted(record, error)
    count = int(record["retry_count"])
    return Outcome.retry(_delay_s(count, error, retry, rng), record, error)


def note_failure(record: Record, error: BaseException) -> None:
    """Write a failure into a record, in the fields and forms that Sidekiq uses."""
    now = clock.now_ms()
    record["queue"] = record.get("retry_queue") or record.get("queue") or "default"
    unmark(record, *FAILURE)
    record["error_message"] = error_text(error)
    record["error_class"] = error_name(error)
    if "retry_count" in record:
        record["retried_at"] = now
        record["retry_count"] = int(record["retry_count"]) + 1
    else:
        record["failed_at"] = now
        record["retry_count"] = 0
    record.pop("put_back", None)  # it has run
    if record.get("backtrace"):
        record["error_backtrace"] = compressed_traceback(error, record["backtrace"])


def error_text(error: BaseException) -> str:
    """The error's message, bounded, always valid UTF-8, whatever the error's own ``__str__`` does."""
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - the error's own __str__ failed: that is worth reading, too
        text = f"(the message of this {type(error).__name__} could not be read: {type(broken).__name__})"
    return text[:MOST_ERROR_TEXT].encode("utf-8", "replace").decode("utf-8")


def error_name(error: BaseException) -> str:
    """``module.QualName``, without the module for builtins."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def compressed_traceback(error: BaseException, lines: Any) -> str:
    """The traceback as base64 of zlib of a JSON list of lines: what Sidekiq's pages can show.

    Args:
        error: The error.
        lines: True for all lines, or how many of the last ones to keep (the innermost frames).
    """
    text = "".join(traceback.format_exception(error)).splitlines()
    if lines is not True and isinstance(lines, int):
        text = text[-lines:]
    packed = json.dumps(text, ensure_ascii=True, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(packed)).decode("ascii")


def _is_exhausted(record: Record, retries: int) -> bool:
    window_s = record.get("retry_for")
    if window_s:
        failed_ms = record["failed_at"]
        failed_s = failed_ms if isinstance(failed_ms, float) else failed_ms / 1000
        return bool(failed_s + float(window_s) < clock.now_s())
    allowed = record.get("retry", True)
    if allowed is False:
        return True
    return int(record["retry_count"]) >= (retries if allowed is True or allowed is None else int(allowed))


def _exhausted(record: Record, error: BaseException) -> Outcome:
    if record.get("dead") is False or record.get("retry") is False:
        return Outcome.discarded(record, error)
    return Outcome.dead(record, error)


def _delay_s(count: int, error: BaseException, retry: Retry | None, rng: Random) -> float:
    custom = None if retry is None else retry.delay
    if callable(custom):
        try:
            custom = custom(count, error)
        except Exception:
            log.exception("the job's own retry delay failed for %s; the default delay is used", error_name(error))
            custom = None
    if custom is None or custom == 0:
        return float(delay_s(count, rng=rng))
    try:
        return seconds(custom, "delay")
    except InvalidOption as wrong:
        log.error("the job's own %s (after %s); the default delay is used", wrong, error_name(error))
        return float(delay_s(count, rng=rng))

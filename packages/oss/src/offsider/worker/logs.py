"""How log lines look: readable, JSON, logfmt. Touches only the loggers below ``offsider``."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import IO, Any, Literal

Format = Literal["pretty", "json", "logfmt"]

_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def _stamp(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


class PrettyFormatter(logging.Formatter):
    """For people: time, level, text, then the job's fields."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it."""
        level = record.levelname
        if self._colour and level in _COLOURS:
            level = f"\033[{_COLOURS[level]}m{level}\033[0m"
        fields = " ".join(f"{key}={value}" for key, value in _fields(record).items())
        line = f"{_stamp(record)} {level:<7} {record.getMessage()}{'  ' + fields if fields else ''}"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """For machines: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """``ts``, ``level``, ``logger``, ``pid``, ``thread``, ``msg``, the job's fields, ``error``."""
        entry: dict[str, Any] = {
            "ts": _stamp(record),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "thread": record.threadName,
            "msg": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class LogfmtFormatter(logging.Formatter):
    """``key=value`` pairs, quoted where needed."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; the traceback is a value."""
        entry: dict[str, Any] = {"ts": _stamp(record), "level": record.levelname, "msg": record.getMessage()}
        entry.update(_fields(record))
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={_quoted(value)}" for key, value in entry.items())


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text and not any(letter in text for letter in ' "=\\')
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def configure(level: str, format: Format = "pretty", stream: IO[str] | None = None) -> logging.Handler:
    """Send our loggers to a stream. Called by our own commands only: a host program keeps its own logging.

    Returns:
        The handler, so that a caller can remove it.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    if format == "json":
        handler.setFormatter(JsonFormatter())
    elif format == "logfmt":
        handler.setFormatter(LogfmtFormatter())
    else:
        handler.setFormatter(PrettyFormatter(colour=out.isatty()))
    logger = logging.getLogger("offsider")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
    return handler

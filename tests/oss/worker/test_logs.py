"""How log lines look: readable, JSON, logfmt; only the loggers of this package are touched."""

from __future__ import annotations

import io
import json
import logging
import re
import shlex
import sys
from typing import Any

import pytest

from offsider.worker.logs import JsonFormatter, LogfmtFormatter, PrettyFormatter, configure

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def line(text: str = "done", level: int = logging.INFO, *, failed: bool = False, **fields: object) -> logging.LogRecord:
    """A record as the worker makes it."""
    error: Any = None
    if failed:
        try:
            raise ValueError("boom")
        except ValueError:
            error = sys.exc_info()
    record = logging.LogRecord("offsider.job", level, __file__, 1, text, (), error)
    if fields:
        record.fields = fields
    return record


FIELDS = {"job": "shop.mail", "jid": "ab12", "queue": "mail", "elapsed_s": 0.25}


# -- for people --------------------------------------------------------------------------------------------------


def test_a_readable_line_has_time_level_text_and_fields() -> None:
    text = PrettyFormatter(colour=False).format(line(**FIELDS))
    assert re.fullmatch(STAMP + r" INFO    done  job=shop\.mail jid=ab12 queue=mail elapsed_s=0\.25", text)
    assert re.fullmatch(STAMP + " WARNING hot", PrettyFormatter(colour=False).format(line("hot", logging.WARNING)))


def test_a_readable_line_has_its_traceback_below_it() -> None:
    first, *rest = PrettyFormatter(colour=False).format(line(failed=True)).splitlines()
    assert first.endswith("done")
    assert (rest[0], rest[-1]) == ("Traceback (most recent call last):", "ValueError: boom")


def test_levels_that_matter_have_a_colour_on_a_terminal_only() -> None:
    for level, code in ((logging.WARNING, "33"), (logging.ERROR, "31"), (logging.CRITICAL, "1;31")):
        assert f"\033[{code}m" in PrettyFormatter(colour=True).format(line(level=level))
        assert "\033" not in PrettyFormatter(colour=False).format(line(level=level))
    assert "\033" not in PrettyFormatter(colour=True).format(line())


# -- for machines ------------------------------------------------------------------------------------------------


def test_json_is_one_object_a_line() -> None:
    text = JsonFormatter().format(line('two\nlines "é"', failed=True, **FIELDS, tags=["a"]))
    assert "\n" not in text
    entry = json.loads(text)
    assert re.fullmatch(STAMP, entry.pop("ts"))
    assert entry.pop("pid") > 0
    assert entry.pop("error").endswith("ValueError: boom")
    assert entry == {
        **FIELDS,
        "tags": ["a"],
        "level": "INFO",
        "logger": "offsider.job",
        "thread": "MainThread",
        "msg": 'two\nlines "é"',
    }


def test_json_writes_what_json_cannot_carry_as_text() -> None:
    assert json.loads(JsonFormatter().format(line(jid=ValueError("x"))))["jid"] == "x"


def parsed(text: str) -> dict[str, str]:
    """What a logfmt reader sees."""
    return dict(part.split("=", 1) for part in shlex.split(text))


def test_logfmt_is_key_value_pairs() -> None:
    text = LogfmtFormatter().format(line(**FIELDS))
    assert re.fullmatch(f"ts={STAMP} level=INFO msg=done job=shop.mail jid=ab12 queue=mail elapsed_s=0.25", text)


@pytest.mark.parametrize("message", ["two words", "a=b", 'say "x"', "", "back\\slash", "two\nlines"])
def test_logfmt_quotes_what_would_break_a_line(message: str) -> None:
    text = LogfmtFormatter().format(line(message))
    assert "\n" not in text
    assert json.loads(text.partition(" msg=")[2]) == message


@pytest.mark.parametrize("message", ["a\ttab", "carriage\rreturn", "bell\x07"])
def test_logfmt_quotes_every_control_character(message: str) -> None:
    text = LogfmtFormatter().format(line(message, last="x"))
    assert len(text.splitlines()) == 1
    assert text.partition(" msg=")[2].startswith('"')


def test_logfmt_has_the_traceback_as_a_value() -> None:
    text = LogfmtFormatter().format(line(failed=True))
    assert "\n" not in text
    assert json.loads(text.partition(" error=")[2]).endswith("ValueError: boom")


# -- where they go -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "start"), [("pretty", r"\d{4}-"), ("json", r'\{"ts":'), ("logfmt", "ts=")])
def test_our_loggers_go_to_the_stream_in_the_format(format: Any, start: str) -> None:
    out = io.StringIO()
    configure("INFO", format, out)
    logging.getLogger("offsider.job").info("one")
    logging.getLogger("offsider.worker").debug("too quiet")
    (text,) = out.getvalue().splitlines()
    assert re.match(start, text)
    assert "one" in text


def test_configured_again_a_line_is_written_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("INFO", "pretty", first)
    configure("WARNING", "pretty", second)
    logging.getLogger("offsider").warning("once")
    logging.getLogger("offsider").info("not at all")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


def test_the_root_logger_of_a_host_program_is_left_alone() -> None:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    handler = configure("DEBUG", "json", io.StringIO())
    assert (root.level, root.handlers) == before
    assert logging.getLogger("offsider").handlers == [handler]
    assert not logging.getLogger("offsider").propagate

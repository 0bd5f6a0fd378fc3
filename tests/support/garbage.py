"""What lies in a queue that should not, and what Ruby writes: tables for the tests of payloads."""

from __future__ import annotations

import sys

from offsider.job.record import dumps

from .wire import RECORD

# Measured with Ruby 3.1.7 and its json 2.6.1.
RUBY = {
    1e16: "1.0e+16",
    1e-05: "1.0e-05",
    1e15: "1.0e+15",
    -1e15: "-1.0e+15",
    1e14: "100000000000000.0",
    999999999999999.9: "999999999999999.9",
    1234567890123456.0: "1.234567890123456e+15",
    3220421558811935.5: "3220421558811935.5",
    9999999999999998.0: "9.999999999999998e+15",
    123456789012345680.0: "1.2345678901234568e+17",
    0.0001: "0.0001",
    0.00012345: "0.00012345",
    1e-07: "1.0e-07",
    5e-324: "5.0e-324",
    1e22: "1.0e+22",
    1e100: "1.0e+100",
    -0.0: "-0.0",
    sys.float_info.max: "1.7976931348623157e+308",
}

# Each field of a payload with values that make it no job.
BAD_FIELDS = {
    "class": [None, "", 5, ["welcome"], {}, True],
    "args": [None, {}, "[]", 5, True],
    "jid": [None, 5, [], {}, True],
    "queue": [5, "", "a b", "a\n", "ü", "x" * 129, [], True],
    "retry_queue": [5, "", "a b", [], False],
    "retry": ["25", 2.5, [], {}],
    "retry_count": [None, "1", 1.0, True, -5, 10**6, 10**400, []],
    "crashes": [None, "1", 1.0, True, -1, 10**6, {}],
    "failed_at": ["now", -1, True, [], {}],
    "timeout": ["30", -1, True, 1e300, 10**10, []],
    "retry_for": ["30", -0.5, False, 1e10, {}],
    "kwargs": [[], "a", 5, True],
    "tags": [{}, "a", 5, True],
    "put_back": [[], "a", 5, True],
    "log_level": [5, [], {}, True],
}

JOB = dumps(RECORD)


def argument(text: bytes) -> bytes:
    return b'{"queue":"q","class":"c","args":[' + text + b'],"jid":"x","retry":true}'


GARBAGE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "words": (b"welcome!", "not JSON"),
    "half": (JOB[:-1], "not JSON"),
    "two": (JOB * 2, "not JSON"),
    "NUL at the end": (JOB + b"\0", "not JSON"),
    "a list": (b"[]", "not a JSON object but a list"),
    "a text": (b'"x"', "not a JSON object but a str"),
    "a number": (b"17", "not a JSON object but a int"),
    "null": (b"null", "not a JSON object but a NoneType"),
    "100,000 brackets": (b"[" * 100_000, "nested too deeply|depth limit|not JSON"),
    "100,000 braces": (b'{"a":' * 100_000, "nested too deeply|depth limit|not JSON"),
    "100,000 closed brackets": (argument(b"[" * 100_000 + b"]" * 100_000), "nested too deeply|depth limit"),
    "201 levels": (argument(b"[" * 199 + b"]" * 199), "nested deeper than 200 levels"),
    "NaN": (argument(b"NaN"), "not JSON"),
    "Infinity": (argument(b"-Infinity"), "not JSON"),
    "1e400": (argument(b"1e400"), "not JSON"),
    "-1E400 far inside": (argument(b'[[{"a":-1E400}]]'), "not JSON"),
    "a float of 400 digits": (argument(b"9" * 400 + b".0"), "not JSON"),
    "5,000 digits": (argument(b"7" * 5000), "not JSON"),
    "a lone surrogate": (argument(b'"\\ud800"'), "not JSON"),
    "a lone low surrogate": (argument(b'"x\\udfff"'), "not JSON"),
    "a lone surrogate as a key": (argument(b'{"\\ud800":1}'), "not JSON"),
    "a lone surrogate beside a long number": (argument(b'"\\ud800",' + b"1" * 30), "not JSON"),
    "a surrogate in UTF-8": (argument(b'"\xed\xa0\x80"'), "not JSON"),
    "no UTF-8": (argument(b'"\xff"'), "not JSON"),
    "UTF-16": (JOB.decode().encode("utf-16"), "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + JOB, "not JSON"),
    "a control letter": (argument(b'"\x01"'), "not JSON"),
    "a comma too many": (argument(b"1,"), "not JSON"),
    "a leading zero": (argument(b"01"), "not JSON"),
    "single quotes": (b"{'class':'c'}", "not JSON"),
    "pickle": (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01e.", "not JSON"),
}

"""A traceback in frames: the reader's own apart from libraries'."""

from __future__ import annotations

import traceback
from pathlib import Path

from offsider.web.frames import frames


def test_steps_of_the_worker_and_of_libraries_are_not_the_readers_own() -> None:
    ours = str(Path(traceback.__file__))
    lines = [
        "Traceback (most recent call last):",
        f'  File "{ours}", line 1, in f',
        "    f()",
        '  File "/srv/shop/jobs.py", line 3, in buy',
        "    pay()",
        "    ^^^^^",
        "ValueError: no",
    ]
    found = frames(lines)
    assert "".join(frame.text for frame in found if not frame.own).count("\n") == 1
    assert "\n".join(frame.text for frame in found) == "\n".join(lines)


def test_of_a_very_long_one_the_end_is_shown() -> None:
    for lines in (["x" * 1_000_000, "E: no"], ["x"] * 50_000 + ["E: no"]):
        found = frames(lines)
        assert (found[0].text, found[-1].text) == ("…", "E: no")
        assert len(found) < 2100
        assert sum(len(frame.text) for frame in found) < 100_100


def test_anything_may_be_given() -> None:
    assert [frame.text for frame in frames(["", "    x", "File"])] == ["", "    x", "File"]
    assert [frame.text for frame in frames([])] == [""]

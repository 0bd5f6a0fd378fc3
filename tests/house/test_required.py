"""Where the suite is the gate, nothing that it needs may be missing: a skipped test proves nothing."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = [name for name in os.environ.get("OFFSIDER_TEST_REQUIRED", "").split(",") if name]


@pytest.mark.parametrize("name", REQUIRED or ["python3"])
def test_a_program_that_is_required_here_is_here(name: str) -> None:
    assert shutil.which(name), f"{name} is required by OFFSIDER_TEST_REQUIRED, and is not on PATH: .ci/run installs it"

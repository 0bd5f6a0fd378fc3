"""Stamps the wheel with the day it was built, which the licence is held against. A source tree has no stamp."""  # noqa: INP001 - no package

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = '"""When this wheel was built; written by the build."""\n\nBUILT = "{day}"\n'


class BuildStamp(BuildHookInterface[Any]):
    """Writes ``_build.py`` into the wheel, never into the tree."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel is built; an editable one has none, as the tree it points to."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        stamp = Path(self._folder.name) / "_build.py"
        stamp.write_text(STAMP.format(day=_day()), "utf-8")
        build_data["force_include"][str(stamp)] = "offsider_enterprise/_build.py"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the hook's shape
        """After it was built."""
        if version != "editable":
            self._folder.cleanup()


def _day() -> str:
    """Today in UTC, or what a reproducible build says that it is."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or None
    try:
        now = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"SOURCE_DATE_EPOCH is {epoch!r}; expected seconds since 1970") from None
    return now.date().isoformat()

"""What the doctor says of the spool of this machine. Only looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offsider.contract.findings import OK, PROBLEM, WARNING, Finding

from .folder import Depth, SpoolFolder, strangers

if TYPE_CHECKING:
    from .spools import Spools

LATE_S = 60.0
NEARLY_FULL = 0.8


class SpoolCheck:
    """The check ``pro.spool``, as the seam `checks` takes it.

    Args:
        spools: The app's.

    Attributes:
        offline: It is asked when Redis is away, too: then it matters most.
    """

    offline = True

    def __init__(self, spools: Spools) -> None:
        self._spools = spools

    def __call__(self, _app: Any, _facts: Any) -> Iterator[Finding]:
        """What is found on this machine."""
        if not self._spools.settings.enabled:
            said = "it is switched off: a push that has no answer of Redis is an error of its caller"
            yield Finding("spool", OK, said)
            return
        folders = self._spools.folders()
        for folder in folders:
            yield self._depth(folder)
        yield from _others([str(one) for one in strangers(self._spools.root, {folder.path for folder in folders})])

    def _depth(self, folder: SpoolFolder) -> Finding:
        depth, settings = folder.depth(), self._spools.settings
        if not folder.is_writable:
            return Finding(
                "spool",
                PROBLEM,
                f"{folder.path} cannot be written by this user",
                "a folder of this user's own, on a disk that outlives the process",
                "While Redis is away each push is an error. Set pro.spool.folder",
            )
        if depth.refused or depth.damaged or depth.newer:
            return _odd(folder, depth)
        said = f"{depth.jobs:,} jobs in {depth.files} files wait in {folder.path}"
        if depth.jobs > NEARLY_FULL * settings.most_jobs or depth.bytes > NEARLY_FULL * settings.most_bytes:
            most = f"less than {settings.most_jobs:,} jobs and {settings.most_bytes:,} bytes"
            return Finding("spool", PROBLEM, said, most, "When it is full, each push is an error. Raise these settings")
        if depth.jobs and depth.oldest_s > LATE_S:
            advice = "Any worker of this machine delivers them: start one, and look into its log"
            return Finding("spool", WARNING, f"{said}, for up to {depth.oldest_s:.0f} s", "none", advice)
        return Finding("spool", OK, said if depth.jobs else f"nothing waits in {folder.path}")


def _odd(folder: SpoolFolder, depth: Depth) -> Finding:
    said, advice = [], []
    if depth.refused:
        said.append(f"{depth.refused} pushes that Redis took for wrong")
        advice.append("The log says what is wrong with each .refused: repair it, and rename the file to end in .spool")
    if depth.damaged:
        said.append(f"{depth.damaged} damaged files")
        advice.append("What could be read of a .damaged was delivered: look at the disk, and delete it")
    if depth.newer:
        said.append(f"{depth.newer} files of a newer version")
        advice.append("Install that version: it delivers them")
    return Finding("spool", PROBLEM, f"{folder.path} has {', '.join(said)}", "none", f"{'. '.join(advice)}")


def _others(names: list[str]) -> Iterator[Finding]:
    if names:
        yield Finding(
            "spool",
            WARNING,
            f"pushes for another Redis or namespace wait in {', '.join(names[:5])}{' …' if names[5:] else ''}",
            "none",
            "An app with that redis.url and namespace delivers them. When the Redis has only moved, move the files into"
            " the folder of the new one",
        )

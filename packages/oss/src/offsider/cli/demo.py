"""``offsider demo``."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import click


@click.command(short_help="A real run on real input, with a server of its own.")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-c", "--concurrency", type=click.IntRange(1, 1000), default=10, show_default=True, help="Jobs at once.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where everything is kept.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier run has done.")
@click.option("--plain", is_flag=True, help="Lines of text, also on a terminal.")
def demo(folder: Path | None, concurrency: int, data_dir: Path | None, fresh: bool, plain: bool) -> None:
    """Parse every Python file below FOLDER (by default this Python's standard library), one job a file.

    Starts a server and a worker process of its own, shows how the jobs run, fail, retry and die, and ends with a
    table. Interrupt it and start it again: nothing is lost or repeated.
    """
    from ..demo import run, tree

    root = (folder or tree.standard_library()).resolve()
    kept = (data_dir or _default_folder(root)).resolve()
    if fresh:
        run.fresh(kept)
    sys.exit(run.Demo(root, kept, concurrency=concurrency, plain=plain).run())


def _default_folder(root: Path) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "offsider" / f"demo-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"

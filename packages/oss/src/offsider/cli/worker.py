"""``offsider worker MODULE:APP``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import given
from .target import find_app

if TYPE_CHECKING:
    from ..worker.worker import Worker

ProcessRunner = Callable[[Callable[[], "Worker"]], int]


@click.command(short_help="Run an app's jobs.")
@click.argument("target", metavar="MODULE:APP")
@click.option("-q", "--queue", "queues", multiple=True, metavar="NAME[:WEIGHT]", help="A queue to work on; repeatable.")
@click.option("-c", "--concurrency", type=click.IntRange(1, 10_000), help="Jobs at once.")
@click.option("--config", type=click.Path(dir_okay=False), help="The settings file.")
@click.option("--shard", metavar="NAME", help="Work for this shard of the settings.")
@click.option("--reload", is_flag=True, help="Start anew when a source file changes.")
@click.pass_context
def worker(
    context: click.Context,
    target: str,
    queues: tuple[str, ...],
    concurrency: int | None,
    config: str | None,
    shard: str | None,
    reload: bool,
) -> None:
    """Run the jobs of the app APP in the module MODULE, e.g. `offsider worker shop.jobs:app -q mail:3 -q low:1`.

    Signals: TERM and INT stop (running jobs get their grace), TSTP fetches no more, TTIN logs all stacks.
    """
    from ..worker.logs import configure

    settings = given(context)
    if reload:
        from ..worker.reload import run_reloading

        configure(settings.get("worker", {}).get("log_level", "INFO"), "pretty")
        command = [sys.executable, "-m", "offsider", *(word for word in sys.argv[1:] if word != "--reload")]
        sys.exit(run_reloading(command, Path.cwd()))
    app = find_app(target, config=config, **settings)
    if shard is not None:
        app.serve(shard)
        queues = queues or tuple(app.settings.shards[shard].names)
    configure(app.settings.worker.log_level, app.settings.worker.log_format)

    def make_worker() -> Worker:
        from ..worker.worker import Worker

        return Worker(app, queues=queues or None, concurrency=concurrency)

    sys.exit(context.obj.process_runner.value(make_worker))


def one_process(make_worker: Callable[[], Worker]) -> int:
    """The free edition's process runner: this process, until it is told to stop."""
    from ..worker.signals import run

    return run(make_worker())

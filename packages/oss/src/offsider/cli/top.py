"""``offsider top``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from .. import clock
from ..errors import StoreError
from .desk import app_options, opened, say_json
from .keyboard import Keyboard, keyboard

if TYPE_CHECKING:
    from .monitor import Monitor, Sample

PLAIN_EVERY_S = 5.0
LIVE_EVERY_S = 2.0


class Show(Protocol):
    """Where samples are shown."""

    def show(self, sample: Sample) -> None:
        """One more."""

    def trouble(self, error: StoreError) -> None:
        """There is none: Redis does not answer."""


@click.command(short_help="Watch it: rates, queues, processes, what runs.")
@click.option("--every", "every_s", type=click.FloatRange(0.5, 3600), metavar="S", help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="One look, and the end.")
@click.option("--plain", is_flag=True, help="Lines of text, also on a terminal.")
@app_options
def top(every_s: float | None, once: bool, plain: bool, target: str | None, config: str | None, as_json: bool) -> None:
    """Watch what is done: rates over half a minute, queues, processes, running jobs, retries and the dead.

    On a terminal with rich installed the screen is live; q ends it, any other key looks now. Elsewhere it is a line
    every five seconds; --json makes it one JSON object a line.
    """
    from . import monitor

    with opened(target, config) as app:
        watch = monitor.Monitor(app)
        if once:
            sample = watch.look()
            if as_json:
                say_json(sample.to_dict())
            else:
                click.echo("\n".join(one.removeprefix("# ") for one in monitor.screen(sample)))
            return
        live = not (plain or as_json) and sys.stdout.isatty() and importlib.util.find_spec("rich") is not None
        with keyboard() as keys, _live() if live else _lines(as_json) as show:
            _watch(watch, show, keys, every_s or (LIVE_EVERY_S if live else PLAIN_EVERY_S))


def _watch(watch: Monitor, show: Show, keys: Keyboard, every_s: float) -> None:
    """Until ``q``, Ctrl-C, or nobody reads any more."""
    pause_s = every_s
    try:
        while True:
            try:
                sample = watch.look()
            except StoreError as error:
                show.trouble(error)
            else:
                show.show(sample)
                pause_s = watch.pause_s(sample, every_s)
            if _quits(keys, pause_s):
                return
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _quits(keys: Keyboard, pause_s: float) -> bool:
    """True when ``q`` was pressed; any other key ends the pause, but not before half a second."""
    until_s = clock.monotonic_s() + pause_s
    soonest_s = clock.monotonic_s() + 0.5
    while (left_s := until_s - clock.monotonic_s()) > 0:
        key = keys.pressed(left_s)
        if key in ("q", "Q"):
            return True
        if key:
            until_s = min(until_s, max(soonest_s, clock.monotonic_s()))
    return False


class _Lines:
    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def show(self, sample: Sample) -> None:
        """One line."""
        from .monitor import line

        if self._as_json:
            say_json(sample.to_dict())
        else:
            click.echo(line(sample))

    def trouble(self, error: StoreError) -> None:
        """One line, to those who read errors."""
        click.echo(f"{type(error).__name__}: {error}", err=True)


class _Screen:
    def __init__(self, live: Any) -> None:
        self._live = live
        self._last: Any = None

    def show(self, sample: Sample) -> None:
        """All of the screen."""
        from rich.text import Text

        from .monitor import screen

        console = self._live.console
        text = Text(no_wrap=True, overflow="crop")
        for one in screen(sample, width=console.width, height=console.height - 2):
            heading = one.startswith("# ")
            text.append(f"{one.removeprefix('# ')}\n", style="bold" if heading else "")
        text.append("q ends it", style="dim")
        self._last = text
        self._live.update(text, refresh=True)

    def trouble(self, error: StoreError) -> None:
        """The trouble above what was seen last."""
        from rich.text import Text

        text = Text(f"{type(error).__name__}: {error}\n\n", style="bold")
        if self._last is not None:
            text.append_text(self._last)
        self._live.update(text, refresh=True)


@contextmanager
def _lines(as_json: bool) -> Iterator[Show]:
    yield _Lines(as_json)


@contextmanager
def _live() -> Iterator[Show]:
    from rich.live import Live

    with Live(screen=True, auto_refresh=False) as live:
        yield _Screen(live)

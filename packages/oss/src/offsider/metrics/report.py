"""Brings what was measured to every sink. Keeps nothing itself."""

from __future__ import annotations

import logging

from ..contract.measures import MetricSink
from ..contract.seams import Registry
from ..errors import StoreError
from .track import Tracker

log = logging.getLogger("offsider.worker")


class Reporter:
    """Takes the windows of a tracker and hands them to the sinks.

    Args:
        tracker: Where they come from.
        sinks: Where they go; each gets all of them.
    """

    def __init__(self, tracker: Tracker, sinks: Registry[MetricSink]) -> None:
        self._tracker = tracker
        self._sinks = sinks

    def report(self) -> None:
        """Hand over what was measured since the last call.

        A sink that fails is logged with its owner, and the others get their windows all the same.

        Raises:
            StoreError: A sink found Redis away, or refusing; the sink keeps its windows.
        """
        windows = self._tracker.take()
        trouble: StoreError | None = None
        for name, sink in self._sinks.items():
            try:
                sink.write(windows)
            except StoreError as error:
                trouble = error
            except Exception:
                log.exception("the metric sink %r of %s failed; the others go on", name, self._sinks.owner(name))
        if trouble is not None:
            raise trouble

    def close(self) -> None:
        """Tell every sink that no more will come."""
        for name, sink in self._sinks.items():
            try:
                sink.close()
            except Exception:
                log.exception("the metric sink %r of %s failed at its end", name, self._sinks.owner(name))

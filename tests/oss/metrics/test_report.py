"""Every sink gets everything, whatever another does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from offsider.contract.measures import MetricSink, Window, processed
from offsider.contract.seams import Registry
from offsider.errors import RedisUnavailable, SeamClosed
from offsider.metrics.report import Reporter
from offsider.metrics.track import Tracker
from offsider.worker.worker import Worker
from support.attempts import attempts


class Sink:
    """Keeps what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.windows: list[Window] = []
        self.calls = 0
        self.closed = False
        self.error = error

    def write(self, windows: Sequence[Window]) -> None:
        """Keep them, or fail."""
        self.calls += 1
        if self.error is not None:
            raise self.error
        self.windows += windows

    def close(self) -> None:
        """Note it, or fail."""
        self.closed = True
        if self.error is not None:
            raise self.error


def registry(**sinks: MetricSink) -> Registry[MetricSink]:
    """A registry of sinks."""
    found: Registry[MetricSink] = Registry("sinks")
    for name, sink in sinks.items():
        found.add(name, sink, by="me")
    return found


def test_every_sink_gets_every_attempt_once() -> None:
    tracker, one, two = Tracker(), Sink(), Sink()
    reporter = Reporter(tracker, registry(one=one, two=two))
    attempts(tracker, [False, True])
    reporter.report()
    attempts(tracker, [False])
    reporter.report()
    reporter.report()
    assert processed(one.windows) == processed(two.windows) == 3
    assert one.calls == 3, "also when there is nothing: it may have kept something"


def test_a_sink_that_fails_is_told_with_its_owner_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    tracker, broken, good = Tracker(), Sink(ZeroDivisionError("oh")), Sink()
    reporter = Reporter(tracker, registry(broken=broken, good=good))
    attempts(tracker, [False])
    reporter.report()
    reporter.close()
    assert processed(good.windows) == 1
    assert broken.closed
    assert good.closed
    assert "the metric sink 'broken' of me failed; the others go on" in caplog.text


def test_an_outage_of_one_is_passed_on_once_the_others_have_theirs() -> None:
    tracker, away, good = Tracker(), Sink(RedisUnavailable("away")), Sink()
    attempts(tracker, [False])
    with pytest.raises(RedisUnavailable):
        Reporter(tracker, registry(away=away, good=good)).report()
    assert processed(good.windows) == 1


def test_a_sink_of_a_plug_in_is_in_the_worker_and_the_seam_is_closed_by_its_start(app, start_worker) -> None:  # type: ignore[no-untyped-def]
    worker, sink = Worker(app), Sink()
    worker.sinks.add("mine", sink, by="me")
    names = [name for name, _sink in worker.sinks.items()]
    assert (names[0], names[-1]) == ("redis", "mine")
    worker.start()
    try:
        with pytest.raises(SeamClosed):
            worker.sinks.add("late", Sink(), by="me")
        attempts(worker.tracker, [False])
    finally:
        worker.stop(1.0)
    assert processed(sink.windows) == 1
    assert sink.closed

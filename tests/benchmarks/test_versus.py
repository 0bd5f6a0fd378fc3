"""The comparison's pure parts: what a system's file may say, medians and ratios, the table, the chart, /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import redis

from support.waiting import until

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from versus import catalogue, chart, environments, machine, measure, processes, remaining, results, table

GOOD = """
title = "Peer"
language = "python"
packages = ["peer==1.0"]
adapter = "peer_.py"
bulk = true
remaining = [["llen", "jobs"], ["lag", "stream", "group"]]
[[variants]]
name = "defaults"
[[variants]]
name = "tuned"
best = true
note = "prefetch 1"
"""
SVG = "{http://www.w3.org/2000/svg}"


def described(folder: Path, text: str) -> catalogue.System:
    (folder / "peer_.py").touch()
    path = folder / "peer.toml"
    path.write_text(text, "utf-8")
    return catalogue.read(path)


def row(system: str, variant: str, *rates: float, reason: str = "") -> results.Row:
    runs = [measure.Run(rate, cpu_us=1e6 / rate, commands=1.5, rss_mb=40.0) for rate in rates]
    return results.Row(system, variant, system.title(), runs=runs, reason=reason, versions={system: "1.0"})


@pytest.fixture
def rows() -> list[results.Row]:
    return [
        row("peer", "defaults", 900.0, 1_000.0, 1_100.0),
        row("broken", "defaults", reason="not installed: no | such package"),
        row("offsider", "threads", 90_000.0, 100_000.0, 95_000.0),
    ]


@pytest.fixture
def here() -> machine.Machine:
    return machine.Machine("2026-11-24", "A CPU", 2, "Linux x86_64", "3.11.7", "Valkey 9.1.2")


def test_a_system_is_read(tmp_path: Path) -> None:
    found = described(tmp_path, GOOD)
    assert (found.name, found.title, found.bulk, found.enqueue_variant) == ("peer", "Peer", True, False)
    assert found.remaining == (("llen", "jobs"), ("lag", "stream", "group"))
    assert found.variants[1] == catalogue.Variant("tuned", best=True, note="prefetch 1")
    assert catalogue.read_all(tmp_path) == [found]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Peer"', "", "'title' is missing"),
        ('title = "Peer"', "title = 7", "title is 7; expected a value of type str"),
        ("bulk = true", "bulk = true\nbulky = 1", "'bulky' is not known"),
        ('"python"', '"perl"', "language is 'perl'; expected one of python, node, debian-ruby"),
        ("peer_.py", "pear_.py", "there is no adapter 'pear_.py'"),
        ('["llen", "jobs"]', '["lenn", "jobs"]', "remaining has ['lenn', 'jobs']; expected one of llen"),
        ('["llen", "jobs"]', '["llen"]', "has 0 keys; llen takes 1"),
        ('"tuned"', '"defaults"', "the variants defaults, defaults are not all different"),
        ("note =", "notes =", "[[variants]]: 'notes' is not known"),
        ("[[variants]]", "[[", "is no TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(catalogue.BadSystem) as caught:
        described(tmp_path, GOOD.replace(old, new))
    assert said in str(caught.value)
    assert "peer.toml" in str(caught.value)


def test_a_system_without_variants_or_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(catalogue.BadSystem, match="has no"):
        described(tmp_path, GOOD.partition("[[variants]]")[0])
    with pytest.raises(catalogue.BadSystem, match=r"no system .pear.\. There are: peer"):
        catalogue.read_all(tmp_path, ["pear"])


def test_every_system_of_the_comparison_can_be_read() -> None:
    assert "offsider" in [system.name for system in catalogue.read_all()]


def test_only_a_folder_of_ours_is_resolved() -> None:
    assert environments.requirement("peer[redis]==1.0") == "peer[redis]==1.0"
    assert environments.requirement("./packages/oss[fast]") == str(BENCHMARKS.parent / "packages/oss[fast]")


def test_medians_ratios_and_order(rows: list[results.Row]) -> None:
    assert [one.system for one in results.in_order(rows)] == ["offsider", "peer", "broken"]
    assert results.reference_rate(rows) == 95_000.0
    assert results.reference_rate(rows[:2]) is None
    assert rows[0].median("rate") == 1_000.0
    assert rows[0].median("bulk_per_s") is None
    assert rows[0].as_json()["medians"]["cpu_us"] == 1_000.0
    assert table.ratio(95_000.0, 1_000.0) == "95x"
    assert table.ratio(95_000.0, 30_000.0) == "3.2x"
    assert table.ratio(None, 30_000.0) == table.NONE


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "-"), (0.137, "0.14"), (7.52, "7.5"), (26.04, "26.0"), (1_319.3, "1,319")]
)
def test_a_number_has_three_digits_or_so(value: float | None, shown: str) -> None:
    assert table.number(value) == shown


def test_the_table_has_every_row_and_the_reason_of_a_failed_one(rows: list[results.Row], here: machine.Machine) -> None:
    text = table.text(rows, here, "How.")
    assert "2026-11-24; A CPU, 2 cores, Linux x86_64; Valkey 9.1.2; Python 3.11.7" in text
    assert "Peer, defaults" in text
    assert "not installed: no | such package" in text
    assert "Peer: peer 1.0" in text


def test_the_markdown_is_a_table_with_its_command(rows: list[results.Row], here: machine.Machine) -> None:
    text = table.markdown(rows, here, "How.", "hatch run versus --cores 0")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(rows)
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(table.HEADER) + 1}
    assert text.startswith("`hatch run versus --cores 0`, 2026-11-24")


def test_the_short_table_has_each_system_at_its_best_and_none_that_failed(
    rows: list[results.Row], here: machine.Machine
) -> None:
    best = replace(rows[0], variant="tuned", best=True)
    text = table.short([*rows, best], here, "How.", "hatch run versus")
    labels = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][1:]
    assert best.label in labels
    assert rows[0].label not in labels, "its defaults are not its best"
    assert not any(row.label in labels for row in rows if not row.is_measured)
    assert table.HEADER[-1] not in text
    assert "`hatch run versus`, 2026-11-24" in text


def test_the_chart_is_xml_that_can_be_read_and_heard() -> None:
    bars = [chart.Bar("A & B <fast>", 100_000.0, "ours"), chart.Bar("C", 95.0, after="(1/1,053)"), chart.Bar("D", 0.0)]
    root = ElementTree.fromstring(chart.svg("Jobs & more", "less < more", bars))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Jobs & more"
    assert "A & B <fast>: 100,000; C: 95 (1/1,053)" in (root.findtext(f"{SVG}desc") or "")
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    drawn = [one for one in root.iter(f"{SVG}rect") if one.get("class") != "paper"]
    assert len(drawn) == 2
    assert all(float(one.get("width") or 0) > 5 for one in drawn), "even the least can be seen"
    assert all(chart.LABELS + float(one.get("width") or 0) <= chart.WIDTH - chart.VALUES + 0.1 for one in drawn)
    assert [one.text for one in root.iter(f"{SVG}text")][2:7] == ["10", "100", "1,000", "10,000", "100,000"]


@pytest.mark.parametrize("values", [[], [5.0], [1.0, 1.0], [0.5, 2e6]])
def test_an_axis_spans_its_values(values: list[float]) -> None:
    axis = chart.Axis.over(values)
    assert len(axis.ticks()) >= 2
    assert all(chart.LABELS <= axis.x(value) <= chart.WIDTH - chart.VALUES + 0.1 for value in values)


def test_a_run_has_as_many_jobs_as_take_some_seconds() -> None:
    tried: list[int] = []

    def rate_of(jobs: int) -> float:
        tried.append(jobs)
        return 5_230.0 if jobs > 200 else 0.0

    assert measure.enough_jobs(rate_of, 2.0) == 10_000
    assert tried == [200, 2_000, 20_000], "2,000 are over in less than 0.4 s"
    assert measure.enough_jobs(lambda _jobs: 95.0, 3.5) == 330
    assert measure.enough_jobs(lambda _jobs: 10.0, 3.5) == 200
    assert measure.enough_jobs(lambda _jobs: 0.0) == measure.MOST_JOBS


def test_a_process_is_counted_with_its_ended_children() -> None:
    fields = ["S", "7", "41", "41", "0", "-1", "0", "0", "0", "0", "0", "100", "50", "30", "20", *["0"] * 6, "1", "3"]
    fields[21] = "10"
    one = processes.parse_stat(f"42 (a (b) c) {' '.join(fields)}")
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    assert one == processes.Stat(42, parent=7, session=41, cpu_s=200 / ticks, rss_bytes=10 * page)


def test_a_whole_tree_is_seen_and_ended() -> None:
    script = "sleep 60 & echo started; trap '' TERM; wait; wait"
    process = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    assert len(processes.tree(process.pid)) >= 2
    processes.stop(process, grace_s=0.1)
    process.stdout.close()
    assert process.returncode is not None
    until(lambda: not any(one.rss_bytes for one in processes.tree(process.pid)), 10, "nobody of it lives")


def test_the_server_and_the_cpu_are_named() -> None:
    assert machine.server_name({"redis_version": "7.2.4", "valkey_version": "9.1.2"}) == "Valkey 9.1.2"
    assert machine.server_name({"redis_version": "7.0.15"}) == "Redis 7.0.15"
    assert machine.cpu_model("processor : 0\nmodel name\t: Some  CPU @ 2 GHz\n") == "Some CPU @ 2 GHz"


def test_what_remains_is_the_sum_of_all_that_is_asked_for(raw: redis.Redis) -> None:
    raw.rpush("queue", 1, 2, 3)
    raw.set("number", 4)
    raw.hset("{a}:inflight:one", mapping={"x": 1, "y": 2})
    raw.hset("{a}:inflight:two", mapping={"x": 1})
    operations = (("llen", "queue"), ("get", "number"), ("get", "none"), ("hlen*", "{a}:inflight:*"))
    found = remaining.Remaining(raw, operations)
    assert found.count() == 3 + 4 + 3
    before = found.total_commands()
    found.count()
    assert found.total_commands() == before, "its own commands are taken off"


def test_a_stream_is_what_its_group_has_not_acknowledged(raw: redis.Redis) -> None:
    found = remaining.Remaining(raw, (("lag", "stream", "group"),))
    assert found.count() == 0, "no stream"
    if str(raw.info()["redis_version"]).startswith("6."):
        raw.xgroup_create("stream", "group", "0", mkstream=True)
        with pytest.raises(processes.Unmeasured, match="cannot tell how far the group"):
            found.count()
        return
    for number in range(5):
        raw.xadd("stream", {"n": number})
    assert found.count() == 5, "no group"
    raw.xgroup_create("stream", "group", "0")
    assert found.count() == 5
    entries = raw.xreadgroup("group", "me", {"stream": ">"}, count=3)
    assert found.count() == 5
    raw.xack("stream", "group", *[name for name, _fields in entries[0][1]])
    assert found.count() == 2

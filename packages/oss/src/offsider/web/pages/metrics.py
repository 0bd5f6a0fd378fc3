"""How jobs did: all of a period, and one. Prometheus, which asks for no page, gets its own form at the same address."""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse, Response

from ...contract.measures import BOUNDS_MS
from ...contract.web import Page
from ...metrics.series import Mark, Series, Top
from ..part import part_of, sizes
from ..visit import Visit

PERIODS = {"1h": 60, "2h": 120, "4h": 240, "8h": 480, "24h": 24, "48h": 48, "72h": 72}
BY_MINUTES = ("1h", "2h", "4h", "8h")
OF_ALL_BY_MINUTES, OF_ALL_AT_ONCE = ("1h", "2h"), ("1h", "2h", "4h")
MOST_LINES = 5


def metrics(visit: Visit) -> Response:
    """All jobs, those with the most run time first."""
    if "text/html" not in visit.asker.headers.get("accept", ""):
        return prometheus(visit)
    period = visit.choice("period", tuple(PERIODS))
    match = visit.query("match").strip()[:200]
    top = _top(visit, period)
    rows = [row for row in top.rows if match.casefold() in row.name.casefold()]
    data = {
        "kind": "times",
        "unit": "ms",
        "times": [at.timestamp() for at in top.times],
        "series": [{"label": row.name[:200], "values": list(row.points)} for row in rows[:MOST_LINES]],
        "marks": marked(top.marks),
    }
    size = sizes(visit)
    part = part_of(visit, len(rows), lambda skip: rows[skip : skip + size], size)
    return visit.page(
        "offsider/metrics.html", part=part, data=data, period=period, choices=list(PERIODS), match=match
    )  # fmt: skip


def _top(visit: Visit, period: str) -> Top:
    """All jobs of a period, by tens of minutes where single ones are more than anybody can see."""
    asked = length(period, OF_ALL_BY_MINUTES)
    if period in OF_ALL_AT_ONCE:
        top: Top = visit.app.metrics.top(**asked)
        return top
    return visit.site.web.tops.of(visit.app, period, lambda: visit.app.metrics.top(**asked))


def metric(visit: Visit) -> Response:
    """One job: how many, how long, how long they had waited."""
    name = visit.path["name"]
    period = visit.choice("period", tuple(PERIODS))
    series = visit.app.metrics.job(name, **length(period))
    text = visit.language.text
    times = [point.at.timestamp() for point in series.points]
    counts = {
        "kind": "times",
        "times": times,
        "series": [
            {"label": text("Processed"), "values": [one.processed for one in series.points]},
            {"label": text("Failed"), "values": [one.failed for one in series.points], "bad": True},
        ],
        "marks": marked(series.marks),
    }
    return visit.page(
        "offsider/metric.html",
        name=name, series=series, counts=counts, percentiles=percentiles(series, times, text), period=period,
        choices=list(PERIODS), bars=bars(series),
    )  # fmt: skip


def prometheus(visit: Visit) -> Response:
    """All figures in Prometheus' form."""
    try:
        from ...integrations.prometheus import exposition
    except ImportError as error:
        return PlainTextResponse(f"{error}\n", 501)
    body, content_type = exposition(visit.app, visit.asker.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})


def length(period: str, by_minutes: tuple[str, ...] = BY_MINUTES) -> dict[str, int]:
    """As the metrics want it."""
    if period in by_minutes:
        return {"minutes": PERIODS[period]}
    return {"hours": PERIODS[period] // 60 if period in BY_MINUTES else PERIODS[period]}


def marked(marks: tuple[Mark, ...]) -> list[dict[str, Any]]:
    """Deploys for a chart."""
    return [{"at": mark.at.timestamp(), "label": mark.label} for mark in marks]


def percentiles(series: Series, times: list[float], text: Any) -> dict[str, Any]:
    """Run times for a chart; nothing where nothing ran."""
    lines = {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    took = [one.took if one.took.count else None for one in series.points]
    return {
        "kind": "times",
        "unit": "ms",
        "times": times,
        "series": [
            {"label": text(label), "values": [None if one is None else one.percentile_ms(of) for one in took]}
            for label, of in lines.items()
        ],
        "marks": marked(series.marks),
    }


def bars(series: Series) -> list[dict[str, Any]]:
    """The histogram of run times, without the empty ends."""
    counts = series.took.counts
    used = [k for k, count in enumerate(counts) if count]
    if not used:
        return []
    first, last = max(0, used[0] - 1), min(len(counts) - 1, used[-1] + 1)
    most = max(counts)
    bounds = [0, *BOUNDS_MS]
    return [
        {
            "from_s": bounds[k] / 1000,
            "to_s": bounds[k + 1] / 1000 if k + 1 < len(bounds) else None,
            "count": counts[k],
            "share": counts[k] / most,
        }
        for k in range(first, last + 1)
    ]


PAGES = {"": Page("/metrics", metrics), ".one": Page("/metrics/{name:path}", metric)}

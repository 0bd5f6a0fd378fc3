"""The page of costs, and the same as JSON."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from offsider import App
from offsider_pro.worker_metrics.meter import UsageMeter
from offsider_pro.worker_metrics.report import WorkerMetrics
from offsider_pro.worker_metrics.usage import Usage


def client(app: App) -> TestClient:
    return TestClient(app.web(), base_url="http://127.0.0.1:8765", client=("127.0.0.1", 5000))


def measured(app: App) -> None:
    meter = UsageMeter(lambda: 1, every_s=1.0)
    meter.give_back(
        {
            "shop.<b>leaks": Usage(runs=20, wall_us=40_000, cpu_us=20_000, alone=20, memory=200_000, blocks=2000),
            "shop.busy": Usage(runs=20, wall_us=40_000, cpu_us=4_000, shared=20, shared_memory=20_000),
        }
    )
    WorkerMetrics(app).write(meter)


def test_an_empty_page_says_what_will_be_there(pro: App) -> None:
    page = client(pro).get("/costs")
    assert page.status_code == 200
    assert "Nothing was measured in this period" in page.text


def test_each_class_has_a_row_with_its_averages(pro: App) -> None:
    measured(pro)
    page = client(pro).get("/costs")
    rows = [
        re.sub(r"<[^>]+>|\s+", " ", row).split() for row in re.findall(r'<tr id="cost-.*?</tr>', page.text, re.DOTALL)
    ]
    assert [row[0] for row in rows] == ["shop.&lt;b&gt;leaks", "shop.busy"]
    assert "10.0 kB" in " ".join(rows[0])
    assert "50 %" in " ".join(rows[0])
    assert "≈ 1.0 kB" in " ".join(rows[1])
    assert "Costs" in client(pro).get("/").text


def test_it_can_be_searched_and_asked_for_as_json(pro: App) -> None:
    measured(pro)
    assert "shop.busy" not in client(pro).get("/costs?match=leaks&period=1h").text.split("<table")[1]
    found = client(pro).get("/costs", headers={"accept": "application/json"}).json()
    assert [one["name"] for one in found] == ["shop.<b>leaks", "shop.busy"]
    assert found[0]["cpu_ms"] == 1.0

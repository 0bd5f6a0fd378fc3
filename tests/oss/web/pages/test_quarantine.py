"""What no worker could run is shown with its bytes, harmlessly, and put back, repaired or deleted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from offsider import App
from offsider.web.pages.quarantine import MOST_TO_REPAIR
from support.site import Visitor, fill, payload, quarantined

BAD = b'{"class": <b>tea</b> \xff\x00'


@pytest.fixture
def visitor(app: App, raw: Any) -> Visitor:
    """Somebody at this machine, with a job in every place, and bytes that are none."""
    fill(app, raw)
    raw.zadd(app.keys.quarantine, {quarantined(BAD, "no JSON <i>"): 1_790_000_500.0})
    return Visitor(app.web())


def ids(app: App) -> list[str]:
    """Of the entries, the newest first: the bytes, the job."""
    return [one.id for one in app.quarantine.entries()]


def test_it_is_listed_the_newest_first_and_counted(visitor: Visitor, app: App) -> None:
    text = visitor.text("/quarantine")
    assert re.findall(r'<tr id="entry-([^"]+)"', text) == ids(app)
    assert "no JSON &lt;i&gt;" in text
    assert "&lt;b&gt;tea" in text
    assert "shop.unknown" in text
    assert re.search(r'<span>Quarantine</span><span class="count alarming"><data value="2">', text)
    assert re.findall(r'<tr id="entry-([^"]+)"', visitor.text("/quarantine?sort=other")) == ids(app)[::-1]


def test_it_is_searched_part_by_part(visitor: Visitor, app: App, raw: Any) -> None:
    raw.zadd(app.keys.quarantine, {quarantined(payload(f"x{k}", "tea")): 2e9 + k for k in range(60)})
    found, address = [], "/quarantine?text=TEA&count=25"
    while address:
        text = visitor.text(address)
        found += re.findall(r'<tr id="entry-([^"]+)"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(set(found)) == len(found) == 61
    assert "60 jobs" in visitor.text("/quarantine/all?act=retry&name=tea")


def test_bytes_are_shown_harmlessly_and_given_as_a_file(visitor: Visitor, app: App) -> None:
    name = ids(app)[0]
    text = visitor.text(f"/quarantine/{name}")
    assert "&lt;b&gt;tea&lt;/b&gt; \\xff⟨U+0000⟩" in text
    assert "Put back" not in text.split("</h1>")[1].split("Why")[0], "these are no job"
    assert "<textarea" not in text, "a field would not give them back as they are"
    answer = visitor.get(f"/quarantine/{name}/payload")
    assert answer.content == BAD
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_job_is_put_back_from_its_entry(visitor: Visitor, app: App) -> None:
    assert "/quarantine/q1" in visitor.text("/jobs/q1")
    answer = visitor.post("/quarantine/q1", {"act": "retry"})
    assert "Put into their queues: 1" in re.sub(r"<.*?>", "", visitor.text(answer.headers["location"]))
    assert app.why("q1").place == "queue"
    answer = visitor.post("/quarantine/q1", {"act": "retry"})
    assert "it is not in quarantine any more" in visitor.text(answer.headers["location"])
    assert visitor.get("/quarantine/q1").status_code == 404


def test_bytes_are_repaired_or_refused(visitor: Visitor, app: App) -> None:
    name = ids(app)[0]
    answer = visitor.post(f"/quarantine/{name}", {"act": "repair", "payload": "{}"})
    assert answer.status_code == 400
    assert "these bytes are no job" in answer.text
    repaired = payload("mended", "tea", "caf\u00e9").decode()
    visitor.post(f"/quarantine/{name}", {"act": "repair", "payload": f"{repaired}\r\n"})
    assert app.why("mended").place == "queue"
    assert len(app.quarantine) == 1


def test_what_no_field_holds_is_not_offered_for_repair(app: App, raw: Any) -> None:
    fill(app, raw)
    raw.zadd(app.keys.quarantine, {quarantined(b"x" * (MOST_TO_REPAIR + 1)): 2e9})
    visitor = Visitor(app.web())
    assert "<textarea" in visitor.text("/quarantine/q1")
    assert "<textarea" not in visitor.text(f"/quarantine/{ids(app)[0]}")


def test_chosen_ones_and_all_are_put_back_or_deleted(visitor: Visitor, app: App) -> None:
    visitor.post("/quarantine", {"act": "retry", "jid": ids(app)})
    assert [one.job for one in app.quarantine.entries()] == [None], "what is no job stays"
    visitor.post("/quarantine", {"act": "delete", "jid": ids(app)})
    assert len(app.quarantine) == 0


def test_all_are_deleted_after_a_look_at_how_many(visitor: Visitor, app: App) -> None:
    assert "2 jobs" in visitor.text("/quarantine/all?act=delete")
    visitor.post("/quarantine/all", {"act": "delete"})
    assert len(app.quarantine) == 0


def test_what_cannot_be_is_refused(visitor: Visitor, app: App) -> None:
    answer = visitor.post("/quarantine/q1", {"act": "explode"})
    assert answer.status_code == 400
    assert "expected one of retry, delete, repair" in answer.text
    assert len(app.quarantine) == 2

"""Whatever a job carries, and wherever it lies: pages show it as text, stay whole, and stay small."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest

from offsider import App
from support.site import PAGES, Visitor, failed, payload, quarantined

MARK = "<script>alert('x')</script>"
HOSTILE = [
    MARK,
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% for x in y %}%(count)s",
    "javascript:alert(1)",
    "</pre></code></td><script>1</script>",
    "a\u202eb\u2066c\u0000d\u001be\u0085f",
    "]]>--><!--",
    "😀" * 40 + "é" * 200,
]
TAGS = {"script", "style", "img", "iframe", "object", "embed", "base", "link"}


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def checked(text: str) -> None:
    """Fail when a page has a tag or an attribute that only hostile text can have put there."""
    tags = Tags()
    tags.feed(text)
    for tag, attributes in tags.found:
        assert tag not in TAGS - {"script", "link"}, tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            assert re.match(r"[/?#]|$", attributes.get(name) or ""), attributes
        if tag == "script":
            assert str(attributes["src"]).startswith("/assets/offsider/")
    body = re.sub(
        r'(?s) value="[^"]*"|(?<=required>).*?(?=</textarea>)', "", text.replace("\n", "").replace("\t", "")
    )  # forms give back what they got
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", body)
    assert text.rstrip().endswith("</html>")


def spread(app: App, raw: Any, text: str) -> None:
    """The text in every field of a job, in every place."""
    fields = {"tags": [text], "display_class": text, "kwargs": {text: text}, "context": {text: text}, text: text}
    kept = {**fields, "error_class": text, "error_message": text, "error_backtrace": text}
    raw.sadd(app.keys.queues, "mail")
    raw.lpush(app.keys.queue("mail"), payload("w1", text, text, [text], {text: text}, **fields))
    raw.zadd(app.keys.schedule, {payload("s1", text, text, **fields): 4_000_000_000})
    raw.zadd(app.keys.retry, {failed("r1", **{"class": text, "args": [text], **kept}): 4_000_000_000})
    raw.zadd(app.keys.dead, {failed("d1", **{"class": text, "args": [text], **kept}): 1_790_000_000})
    raw.zadd(app.keys.quarantine, {quarantined(payload("q1", text, text, **kept), text, text): 1_790_000_000})
    if "\x00" not in text:
        app.metrics.mark(text)


def alive(app: App, raw: Any, text: str) -> None:
    """A process that says the text everywhere, with a running job."""
    identity = f"{text[:40]}:1:a"
    info = {"hostname": text, "pid": 1, "tag": text, "labels": [text], "queues": [text], "weights": {text: 1},
            "version": text, "concurrency": 5, "started_at": 1_790_000_000}  # fmt: skip
    raw.sadd(app.keys.processes, identity)
    said = {"info": json.dumps(info), "busy": 1, "beat": "4000000000", "rss": 1, text or "x": text}
    raw.hset(app.keys.process(identity), mapping=said)
    work = {"queue": text, "run_at": 1_790_000_000, "payload": payload("p1", text, text).decode()}
    raw.hset(app.keys.work(identity), text or "x", json.dumps(work))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_others_is_text_on_every_page(app: App, raw: Any, text: str) -> None:
    spread(app, raw, text)
    alive(app, raw, text)
    visitor = Visitor(app.web(title=text))
    for address in (*PAGES, "/jobs/p1"):
        answer = visitor.get(address)
        assert answer.status_code == 200, f"{address}: {answer.text[:500]}"
        checked(answer.text)
        assert MARK not in answer.text
        assert "49" not in re.sub(r"\d{3,}|[\w.-]*49[\w.-]+|\d+49|49\d+", "", answer.text) or "{{ 7 * 7" not in text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_looked_for_is_text_on_the_page_that_looks(app: App, raw: Any, text: str) -> None:
    spread(app, raw, "tea")
    visitor = Visitor(app.web())
    for path in ("/retries", "/scheduled", "/dead", "/queues/mail", "/find", "/metrics", "/retries/all"):
        query = {"text": text, "q": text, "name": text, "tag": text, "error": text, "match": text, "act": "delete"}
        answer = visitor.client.get(path, params={**query, "lang": text, "said": text, "n": text})
        assert answer.status_code in (200, 400), f"{path}: {answer.text[:500]}"
        checked(answer.text)
        assert MARK not in answer.text
    checked(visitor.client.get("/jobs/x", params={"lang": text}).text)


def test_what_is_meant_is_shown(app: App, raw: Any) -> None:
    spread(app, raw, "a <b> & \u202ec")
    text = Visitor(app.web()).text("/jobs/r1")
    assert html.escape("a <b> & ⟨U+202E⟩c") in text


def test_a_megabyte_of_arguments_makes_no_megabytes_of_pages(app: App, raw: Any) -> None:
    large = payload(
        "l1", "shop.large", "x" * 1_000_000, ["y"] * 100_000, {"k": list(range(50_000))}, tags=["t" * 50_000]
    )
    raw.sadd(app.keys.queues, "mail")
    raw.lpush(app.keys.queue("mail"), large)
    visitor = Visitor(app.web())
    assert len(visitor.text("/queues/mail")) < 40_000
    assert len(visitor.text("/jobs/l1")) < 500_000
    checked(visitor.text("/jobs/l1"))


def test_a_megabyte_of_an_error_makes_no_megabytes_of_pages(app: App, raw: Any) -> None:
    lines = ['  File "/app/a.py", line 1, in f', "    f()"] * 20_000
    packed = base64.b64encode(zlib.compress(json.dumps(lines).encode())).decode()
    raw.zadd(app.keys.dead, {failed("l1", message="\u202e" * 800_000, error_backtrace=packed): 1_790_000_000})
    visitor = Visitor(app.web())
    for address in ("/jobs/l1", "/dead", "/errors", "/find?q=shop"):
        text = visitor.text(address)
        assert len(text) < 600_000, address
        checked(text)


def test_what_is_no_job_hides_no_other(app: App, raw: Any) -> None:
    for garbage in (b"\xff\xfe", b"[]", b'{"class":1}', b"[" * 5000):
        raw.zadd(app.keys.retry, {garbage: 4_000_000_000})
        raw.lpush(app.keys.queue("mail"), garbage)
    raw.sadd(app.keys.queues, "mail", "not a name", b"\xff")
    raw.zadd(app.keys.retry, {failed("r1"): 4_000_000_001})
    visitor = Visitor(app.web())
    assert "/jobs/r1" in visitor.text("/retries")
    for address in ("/", "/queues", "/queues/mail", "/errors", "/doctor"):
        checked(visitor.text(address))

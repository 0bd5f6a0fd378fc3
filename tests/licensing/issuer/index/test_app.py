"""The index: who sees and fetches what."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from datetime import date

from offsider_issuer.terms import Terms
from support.vendor import Site, Vendor

JSON = "application/vnd.pypi.simple.v1+json"
PRO, ENTERPRISE = "offsider_pro-1.0-py3-none-any.whl", "offsider_enterprise-1.0-py3-none-any.whl"
NEWER = "offsider_pro-1.1-py3-none-any.whl"
ENDS_BEFORE_NEWER = date(2027, 2, 28)


def downloads(vendor: Vendor) -> list[dict[str, str]]:
    path = vendor.folder.downloads
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_edition_sees_what_it_bought(stocked: Vendor, site: Site) -> None:
    seen = {
        edition: re.findall(r'href="([^"]+)/"', site.get("/simple/", stocked.sell(edition)).text)
        for edition in ("pro", "enterprise")
    }
    assert seen == {
        "pro": ["offsider-licensing", "offsider-pro"],
        "enterprise": ["offsider-enterprise", "offsider-licensing", "offsider-pro"],
    }


def test_what_is_not_bought_looks_like_what_does_not_exist(stocked: Vendor, site: Site) -> None:
    pro = stocked.sell("pro")
    replies = [
        site.get(path, pro)
        for path in (
            "/simple/offsider-enterprise/", "/simple/offsider/", "/simple/redis/",
            f"/files/{ENTERPRISE}", f"/files/{ENTERPRISE}.metadata", "/files/nothing-1.0-py3-none-any.whl",
        )
    ]  # fmt: skip
    assert {(reply.status, reply.body) for reply in replies} == {(404, replies[0].body)}


def test_the_html_page_has_hashes_metadata_and_python(stocked: Vendor, site: Site) -> None:
    pro = stocked.sell("pro")
    page = site.get("/simple/offsider-pro/", pro)
    metadata = site.get(f"/files/{PRO}.metadata", pro).body
    wheel = site.get(f"/files/{PRO}", pro).body
    sha256, metadata_sha256 = hashlib.sha256(wheel).hexdigest(), hashlib.sha256(metadata).hexdigest()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (
        f'<a href="../../files/{PRO}#sha256={sha256}" data-core-metadata="sha256={metadata_sha256}"'
        f' data-dist-info-metadata="sha256={metadata_sha256}" data-requires-python="&gt;=3.11">{PRO}</a>'
    ) in page.text
    assert page.headers["cache-control"].startswith("private")
    assert b"Name: offsider-pro" in metadata


def test_the_json_page_says_the_same(stocked: Vendor, site: Site) -> None:
    pro = stocked.sell("pro")
    page = site.get("/simple/Offsider_Pro/", pro, accept=JSON)
    assert page.headers["content-type"] == JSON
    assert (page.json["meta"], page.json["name"]) == ({"api-version": "1.1"}, "offsider-pro")
    assert page.json["versions"] == ["1.0", "1.1"]
    first = page.json["files"][0]
    wheel = site.get(f"/files/{PRO}", pro).body
    assert first["filename"] == PRO
    assert first["url"] == f"../../files/{PRO}"
    assert first["hashes"] == {"sha256": hashlib.sha256(wheel).hexdigest()}
    assert first["size"] == len(wheel)
    assert first["requires-python"] == ">=3.11"
    assert first["upload-time"] == "2026-11-24T10:00:00Z"
    assert first["core-metadata"] == first["dist-info-metadata"] != {}
    listed = site.get("/simple/", pro, accept=JSON).json
    assert listed["projects"] == [{"name": "offsider-licensing"}, {"name": "offsider-pro"}]


def test_a_form_that_we_do_not_have_is_said(stocked: Vendor, site: Site) -> None:
    assert site.get("/simple/", stocked.sell("pro"), accept="image/png").status == 406


def test_a_path_without_its_last_slash_leads_there(site: Site) -> None:
    for path, target in {"/simple": "./simple/", "/simple/Offsider.Pro": "./offsider-pro/"}.items():
        reply = site.get(path)
        assert (reply.status, reply.headers["location"]) == (308, target)


def test_after_the_end_what_was_built_before_it_is_still_there(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro", ENDS_BEFORE_NEWER)
    stocked.travel_past(date(2029, 1, 1))
    assert site.get("/simple/offsider-pro/", sold, accept=JSON).json["versions"] == ["1.0"]
    assert site.get(f"/files/{PRO}", sold).status == 200
    assert site.get(f"/files/{NEWER}", sold).status == 404
    assert site.get(f"/files/{NEWER}.metadata", sold).status == 404


def test_a_renewal_opens_the_later_versions_under_the_same_key(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro", ENDS_BEFORE_NEWER)
    with stocked.ledger() as ledger:
        ledger.renew(sold.license.license_id, Terms("pro", date(2028, 2, 28)), stocked.key)
    assert site.get(f"/files/{NEWER}", sold).status == 200


def test_a_revoked_licence_opens_nothing_from_then_on(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro")
    assert site.get(f"/files/{PRO}", sold).status == 200
    with stocked.ledger() as ledger:
        ledger.revoke(sold.license.license_id, "refund")
    replies = [site.get(path, sold) for path in ("/simple/", f"/files/{PRO}", "/whoami")]
    assert {reply.status for reply in replies} == {401}
    assert "was revoked" in replies[0].text
    assert "refund" not in replies[0].text


def test_an_old_licence_may_be_revoked_and_its_renewal_stay(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("enterprise")
    with stocked.ledger() as ledger:
        ledger.renew(sold.license.license_id, Terms("pro", date(2028, 2, 28)), stocked.key)
        ledger.revoke(sold.license.license_id, "leaked")
    assert site.get(f"/files/{PRO}", sold).status == 200
    assert site.get(f"/files/{ENTERPRISE}", sold).status == 404


def test_one_line_is_kept_of_each_download(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro")
    site.get(f"/files/{PRO}", sold, method="HEAD")
    site.get(f"/files/{PRO}.metadata", sold)
    site.get(f"/files/{ENTERPRISE}", sold)
    assert downloads(stocked) == []
    site.get(f"/files/{PRO}", sold)
    assert downloads(stocked) == [
        {
            "at": "2026-11-24T10:00:00+00:00", "key_id": sold.license.key_id, "license": sold.license.license_id,
            "address": "127.0.0.1", "file": PRO,
        }
    ]  # fmt: skip
    assert stat.S_IMODE(stocked.folder.downloads.stat().st_mode) == 0o600


def test_what_cannot_be_written_down_is_not_handed_out(stocked: Vendor, site: Site) -> None:
    stocked.folder.downloads.mkdir()
    assert site.get(f"/files/{PRO}", stocked.sell("pro")).status == 503


def test_a_customer_can_ask_what_a_key_may_fetch(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro")
    assert site.get("/whoami", sold).text.splitlines() == [
        f"{sold.license.key_id}: Customer of pro",
        f"{sold.license.license_id}: pro, until 2027-11-24",
        "offsider-licensing: 1.0 and older",
        "offsider-pro: 1.1 and older",
    ]
    stocked.travel_past(date(2028, 1, 1))
    assert "ended on 2027-11-24: versions built until then" in site.get("/whoami", sold).text


def test_a_ledger_that_is_exchanged_counts_at_once(stocked: Vendor, site: Site) -> None:
    assert site.get("/healthz").status == 200
    sold = stocked.sell("pro")
    away = stocked.folder.path / "away.db"
    stocked.folder.ledger.rename(away)
    reply = site.get("/simple/", sold)
    assert (reply.status, reply.headers["retry-after"]) == (503, "60")
    assert "vendor" not in reply.text
    assert site.get("/healthz").status == 503
    away.rename(stocked.folder.ledger)
    assert site.get("/simple/", sold).status == 200


def test_a_wheel_that_was_not_copied_is_a_fault_of_ours(stocked: Vendor, site: Site) -> None:
    (stocked.folder.packages / PRO).unlink()
    assert site.get(f"/files/{PRO}", stocked.sell("pro")).status == 503
    assert downloads(stocked) == []


OUTSIDE = [
    "/files/../ledger.db", "/files/..%2fledger.db", "/files/%2e%2e/ledger.db", "/files//etc/passwd",
    "/files/%2fetc%2fpasswd", "/files/..\\ledger.db", "/files/.metadata", "/files/%00", "/files/%ff%fe",
    "/simple/../ledger.db/", "/simple/%2e%2e/", "/simple/%ff/", "/simple/" + "a" * 5000 + "/",
    "/keys/2026-test.pem",
]  # fmt: skip


def test_no_path_leads_out_of_the_index(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("enterprise")
    assert {path: site.get(path, sold).status for path in OUTSIDE} == dict.fromkeys(OUTSIDE, 404)

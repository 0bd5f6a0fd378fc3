"""Who is let in, and how often: no credentials, odd ones, wrong ones; rates of keys and of addresses."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from offsider_issuer.index import Rates
from offsider_issuer.index.gate import credentials, network
from support.vendor import Site, Vendor, basic


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


ODD = [
    "", "Basic", "Basic ", "Basic !!!", "Bearer abc", "basic", f"Basic {encoded(b'nocolon')}",
    f"Basic {encoded(bytes(range(128, 256)))}", f"Basic {encoded(b':')}", f"Basic {encoded(b'a:b:c')}",
    f"Basic {encoded(b'key_a' + bytes(1) + b':x')}", "Basic " + "A" * 20_000, "Digest username=a", "Basic a b c",
    "Basic \xe4\xf6\xfc", f"Basic {encoded('kéy:🔑'.encode())}",
]  # fmt: skip


def test_odd_credentials_are_asked_for_again(site: Site) -> None:
    replies = {header: site.get("/simple/", auth=header.encode("latin-1")) for header in ODD}
    assert {header: reply.status for header, reply in replies.items()} == dict.fromkeys(ODD, 401)
    assert all(reply.headers["www-authenticate"].startswith('Basic realm="') for reply in replies.values())


def test_without_and_with_wrong_credentials_the_answer_says_what_is_expected(stocked: Vendor, site: Site) -> None:
    sold, other = stocked.sell("pro"), stocked.sell("pro")
    key_id, key = sold.license.key_id, sold.index_key
    none = site.get("/simple/offsider-pro/")
    assert none.status == 401
    assert "https://KEY_ID:KEY@HOST/simple/" in none.text
    wrong = [
        basic(key_id, "osk_" + "a" * 32), basic("key_" + "a" * 16, key), basic(key_id, other.index_key),
        basic(key_id, ""), basic("", key), basic(key, key_id), basic(key_id, key.upper()), basic(key_id, f"{key}a"),
    ]  # fmt: skip
    replies = [site.get("/simple/", auth=header) for header in wrong]
    assert {(reply.status, reply.text) for reply in replies} == {(401, replies[0].text)}
    assert "www-authenticate" in replies[0].headers
    assert key not in replies[0].text


def test_the_old_key_ends_when_there_is_a_new_one(stocked: Vendor, site: Site) -> None:
    sold = stocked.sell("pro")
    with stocked.ledger() as ledger:
        key = ledger.new_key(sold.license.key_id)
    assert site.get("/simple/", sold).status == 401
    assert site.get("/simple/", auth=basic(sold.license.key_id, key)).status == 200


def test_a_key_that_asks_too_often_waits_and_others_do_not(stocked: Vendor) -> None:
    one, other = stocked.sell("pro"), stocked.sell("pro")
    now_s = 0.0
    with stocked.index(Rates(key_burst=3, key_per_s=0.5), lambda: now_s) as site:
        assert [site.get("/simple/", one).status for _ in range(4)] == [200, 200, 200, 429]
        refused = site.get("/simple/", one)
        assert refused.headers["retry-after"] == "2"
        assert site.get("/simple/", other).status == 200
        now_s = 2.0
        assert site.get("/simple/", one).status == 200


def test_an_address_that_guesses_is_stopped_sooner_than_one_that_asks(stocked: Vendor) -> None:
    with stocked.index(Rates(address_burst=30, address_per_s=1.0)) as site:
        wrong = basic("key_" + "a" * 16, "osk_a")
        assert [site.get("/simple/", auth=wrong).status for _ in range(4)] == [401, 401, 401, 429]
    with stocked.index(Rates(address_burst=30, address_per_s=1.0)) as site:
        assert {site.get("/simple/").status for _ in range(30)} == {401}
        assert site.get("/simple/").status == 429


BYTES = [
    b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\xfd\r\n\r\n",
    b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + b"A" * 300_000 + b"\r\n\r\n",
    b"GET /simple/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x00\x01\x02\r\n\r\n",
    b"POST /simple/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAccept: " + b",;=q" * 5000 + b"\r\n\r\n",
]


def test_no_bytes_on_the_wire_are_a_fault_of_the_server(site: Site) -> None:
    for raw in BYTES:
        try:
            line = site.send(raw)
        except ConnectionError:
            continue  # it may hang up while we still send
        assert not line or line.split()[1].startswith(b"4"), (raw[:80], line)
    assert site.get("/healthz").status == 200


@given(st.text())
def test_no_header_is_a_fault_of_the_server(header: str) -> None:
    found = credentials(header)
    assert found is None or len(found) == 2


@given(name=st.text().filter(lambda name: ":" not in name), password=st.text())
def test_credentials_come_out_as_they_were_put_in(name: str, password: str) -> None:
    header = basic(name, password)
    assert credentials(header) == ((name, password) if len(header) <= 512 else None)


def test_addresses_of_one_network_are_one_address() -> None:
    assert network("2001:db8::1") == network("2001:db8::2") != network("2001:db8:0:1::1")
    assert network("fe80::1%eth0") == "fe80::/64"
    assert network("127.0.0.1") == "127.0.0.1"

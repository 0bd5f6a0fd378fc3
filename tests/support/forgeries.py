"""Every way to damage or forge a licence that we could think of: name → how it is made, and which refusal it meets."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, NamedTuple

from offsider_licensing import (
    LicenseError,
    LicenseExpired,
    LicenseForged,
    LicenseForOther,
    LicenseMalformed,
    LicenseNotYetValid,
    LicenseRevoked,
    LicenseUnreadable,
)

from .signer import DAY_S, MISSING, NOW_S, Signer, armoured, as_json, base64url

BEGIN = "-----BEGIN OFFSIDER LICENSE-----"
END = "-----END OFFSIDER LICENSE-----"
REVOKED = "lic_revokedrevoked22"
BUILT = "2027-01-10"  # newer than the end of every one that has ended


class Forgery(NamedTuple):
    """How a bad licence is made, and what it is refused with."""

    make: Callable[[Signer], str | bytes]
    refusal: type[LicenseError]


def signed(**claims: Any) -> Callable[[Signer], str]:
    """Signed with a good key, with these claims."""
    return lambda signer: signer.token(**claims)


def payload(raw: bytes) -> Callable[[Signer], str]:
    """Signed with a good key, whatever it is."""
    return lambda signer: signer.sign(as_json(signer.header()), raw)


def head(**changed: Any) -> Callable[[Signer], str]:
    """Signed with a good key, with this header."""
    return lambda signer: signer.token(header=signer.header(**changed))


def raw_head(raw: bytes) -> Callable[[Signer], str]:
    """Signed with a good key, with these bytes as header."""
    return lambda signer: signer.sign(raw, as_json(signer.claims()))


def edited(edit: Callable[[str], str]) -> Callable[[Signer], str]:
    """A good token, edited."""
    return lambda signer: edit(signer.token())


def file(edit: Callable[[str], str]) -> Callable[[Signer], str]:
    """A good file, edited."""
    return lambda signer: edit(signer.file())


def parts(edit: Callable[[str, str, str], str]) -> Callable[[Signer], str]:
    """The parts of a good token, put together anew."""
    return lambda signer: edit(*signer.token().split("."))


def inside(signer: Signer, before: str, after: str) -> bytes:
    """The claims as text, with a piece replaced."""
    text = as_json(signer.claims()).decode("utf-8")
    assert before in text
    return text.replace(before, after).encode("utf-8")


def rewritten(before: str, after: str) -> Callable[[Signer], str]:
    """Signed with a good key, with a piece of the claims' text replaced."""
    return lambda signer: signer.sign(as_json(signer.header()), inside(signer, before, after))


def with_secret(signer: Signer, key: bytes) -> str:
    """HS256 with the public key as the secret: what a naive verifier takes."""
    message = f"{base64url(as_json(signer.header(alg='HS256')))}.{base64url(as_json(signer.claims()))}"
    return f"{message}.{base64url(hmac.new(key, message.encode(), hashlib.sha256).digest())}"


def swapped(signer: Signer) -> str:
    """The claims of one licence under the signature of another."""
    poor, rich = signer.token(limits={"threads": 1}).split("."), signer.token(limits={"threads": None}).split(".")
    return ".".join([poor[0], rich[1], poor[2]])


def jwk(signer: Signer) -> dict[str, str]:
    """A key of the forger's own, to be brought along."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(Signer().raw_public)}


def unused_bits(part: str) -> str:
    """The same bytes in another spelling: base64 has bits that mean nothing at the end of 64 bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + letters[letters.index(part[-1]) ^ 1]


LOW_ORDER = bytes([1]) + bytes(31)  # the neutral point: with it as R and S = 0 a lax verifier takes anything
ORDER = 2**252 + 27742317777372353535851937790883648493


def stretched(signer: Signer) -> str:
    """S + L instead of S: the same signature to a lax verifier."""
    token = signer.token()
    message, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    s = int.from_bytes(raw[32:], "little") + ORDER
    return f"{message}.{base64url(raw[:32] + s.to_bytes(32, 'little'))}"


SIGNATURES: dict[str, Forgery] = {
    "no signature": Forgery(parts(lambda h, p, s: f"{h}.{p}."), LicenseMalformed),
    "signature left out": Forgery(parts(lambda h, p, s: f"{h}.{p}"), LicenseMalformed),
    "a second signature": Forgery(parts(lambda h, p, s: f"{h}.{p}.{s}.{s}"), LicenseMalformed),
    "a dot at the end": Forgery(edited(lambda t: f"{t}."), LicenseMalformed),
    "a dot at the beginning": Forgery(edited(lambda t: f".{t}"), LicenseMalformed),
    "no claims": Forgery(parts(lambda h, p, s: f"{h}..{s}"), LicenseMalformed),
    "signature cut short": Forgery(parts(lambda h, p, s: f"{h}.{p}.{s[:80]}"), LicenseForged),
    "signature too long": Forgery(parts(lambda h, p, s: f"{h}.{p}.{s[:-2]}{'A' * 6}"), LicenseForged),
    "signature of zeros": Forgery(parts(lambda h, p, s: f"{h}.{p}.{'A' * 86}"), LicenseForged),
    "signature of low order": Forgery(
        parts(lambda h, p, s: f"{h}.{p}.{base64url(LOW_ORDER + bytes(32))}"), LicenseForged
    ),
    "signature S + L": Forgery(stretched, LicenseForged),
    "another's signature": Forgery(lambda v: Signer().token(), LicenseForged),
    "another key of that name": Forgery(lambda v: Signer(v.kid).token(), LicenseForged),
    "claims and signature swapped": Forgery(parts(lambda h, p, s: f"{h}.{s}.{p}"), LicenseForged),
    "header and claims swapped": Forgery(parts(lambda h, p, s: f"{p}.{h}.{s}"), LicenseForged),
    "claims of another licence": Forgery(swapped, LicenseForged),
    "claims edited": Forgery(
        lambda v: ".".join(
            [v.token().split(".")[0], base64url(as_json(v.claims(sub="Mallory"))), v.token().split(".")[2]]
        ),
        LicenseForged,
    ),
    "HS256 with the public key": Forgery(lambda v: with_secret(v, v.raw_public), LicenseForged),
    "HS256 with the key's text": Forgery(lambda v: with_secret(v, v.keys[v.kid].encode()), LicenseForged),
    "HS256 with nothing": Forgery(lambda v: with_secret(v, b""), LicenseForged),
}

HEADERS: dict[str, Forgery] = {
    "alg none": Forgery(head(alg="none"), LicenseForged),
    "alg None": Forgery(head(alg="None"), LicenseForged),
    "alg none, no signature": Forgery(
        lambda v: f"{base64url(as_json(v.header(alg='none')))}.{base64url(as_json(v.claims()))}.", LicenseMalformed
    ),
    "alg empty": Forgery(head(alg=""), LicenseForged),
    "alg null": Forgery(head(alg=None), LicenseForged),
    "alg a list": Forgery(head(alg=["EdDSA"]), LicenseForged),
    "alg in other letters": Forgery(head(alg="eddsa"), LicenseForged),
    "alg Ed25519": Forgery(head(alg="Ed25519"), LicenseForged),
    "alg RS256": Forgery(head(alg="RS256"), LicenseForged),
    "alg ES256": Forgery(head(alg="ES256"), LicenseForged),
    "no alg": Forgery(head(alg=MISSING), LicenseForged),
    "no kid": Forgery(head(kid=MISSING), LicenseForged),
    "kid unknown": Forgery(head(kid="test-2"), LicenseForged),
    "kid empty": Forgery(head(kid=""), LicenseForged),
    "kid null": Forgery(head(kid=None), LicenseForged),
    "kid a number": Forgery(head(kid=1), LicenseForged),
    "kid a list": Forgery(head(kid=["test-1"]), LicenseForged),
    "kid a path": Forgery(head(kid="../../dev/null"), LicenseForged),
    "no typ": Forgery(head(typ=MISSING), LicenseForged),
    "another typ": Forgery(head(typ="at+jwt"), LicenseForged),
    "jku": Forgery(head(jku="https://localhost/keys"), LicenseForged),
    "jwk": Forgery(lambda v: v.token(header=v.header(jwk=jwk(v))), LicenseForged),
    "x5c": Forgery(head(x5c=["MII"]), LicenseForged),
    "x5u": Forgery(head(x5u="https://localhost/chain"), LicenseForged),
    "crit": Forgery(head(crit=["exp"], exp=1), LicenseForged),
    "b64 false": Forgery(head(b64=False, crit=["b64"]), LicenseForged),
    "a name that is a line of a log": Forgery(head(**{"\nERROR \x1b[31mforged\u202e": 1}), LicenseForged),
    "zip": Forgery(head(zip="DEF"), LicenseForged),
    "header empty": Forgery(raw_head(b"{}"), LicenseForged),
    "header a list": Forgery(raw_head(b'["EdDSA"]'), LicenseMalformed),
    "header null": Forgery(raw_head(b"null"), LicenseMalformed),
    "header no JSON": Forgery(raw_head(b"{alg:EdDSA}"), LicenseMalformed),
    "header not UTF-8": Forgery(raw_head(b"\xff\xfe"), LicenseMalformed),
    "header with alg twice": Forgery(
        raw_head(b'{"alg":"none","alg":"EdDSA","kid":"test-1","typ":"JWT"}'), LicenseMalformed
    ),
    "header with kid twice": Forgery(
        raw_head(b'{"alg":"EdDSA","kid":"test-2","kid":"test-1","typ":"JWT"}'), LicenseMalformed
    ),
    "header of 10,000 brackets": Forgery(raw_head(b"[" * 10_000), LicenseMalformed),
    "header with NaN": Forgery(raw_head(b'{"alg":NaN,"kid":"test-1","typ":"JWT"}'), LicenseMalformed),
}

CLAIMS: dict[str, Forgery] = {
    **{
        f"no {name}": Forgery(signed(**{name: MISSING}), LicenseMalformed)
        for name in ("iss", "sub", "jti", "aud", "iat", "exp", "grace_days", "limits", "key_id")
    },
    **{
        f"{name} null": Forgery(signed(**{name: None}), LicenseMalformed)
        for name in ("iss", "sub", "jti", "aud", "iat", "exp", "grace_days", "limits", "key_id")
    },
    "another issuer": Forgery(signed(iss="somebody"), LicenseMalformed),
    "customer empty": Forgery(signed(sub=""), LicenseMalformed),
    "customer of 1,000 letters": Forgery(signed(sub="a" * 1_000), LicenseMalformed),
    "customer of two lines": Forgery(signed(sub="Acme\nERROR forged line"), LicenseMalformed),
    "customer with an escape": Forgery(signed(sub="Acme\x1b[2J"), LicenseMalformed),
    "customer with a NUL": Forgery(signed(sub="Acme\0"), LicenseMalformed),
    "customer turned round": Forgery(signed(sub="Acme\u202e"), LicenseMalformed),
    "customer a number": Forgery(signed(sub=7), LicenseMalformed),
    "customer a lone surrogate": Forgery(rewritten("Acme", "\\ud800"), LicenseMalformed),
    "id of another kind": Forgery(signed(jti="key_abcdefghij234567"), LicenseMalformed),
    "id with a line's end": Forgery(signed(jti="lic_abcdefghij234567\n"), LicenseMalformed),
    "id in capitals": Forgery(signed(jti="lic_ABCDEFGHIJ234567"), LicenseMalformed),
    "id too short": Forgery(signed(jti="lic_abc"), LicenseMalformed),
    "user of another kind": Forgery(signed(key_id="lic_abcdefghij234567"), LicenseMalformed),
    "editions a text": Forgery(signed(aud="pro"), LicenseMalformed),
    "editions empty": Forgery(signed(aud=[]), LicenseMalformed),
    "editions of numbers": Forgery(signed(aud=[1]), LicenseMalformed),
    "editions an object": Forgery(signed(aud={"pro": True}), LicenseMalformed),
    "edition with a star": Forgery(signed(aud=["*"]), LicenseMalformed),
    "another edition": Forgery(signed(aud=["enterprise"]), LicenseForOther),
    "an edition that begins like it": Forgery(signed(aud=["pro-trial"]), LicenseForOther),
    "end a text": Forgery(signed(exp=str(NOW_S + DAY_S)), LicenseMalformed),
    "end a fraction": Forgery(signed(exp=NOW_S + 0.5), LicenseMalformed),
    "end a float": Forgery(signed(exp=float(NOW_S + DAY_S)), LicenseMalformed),
    "end true": Forgery(signed(exp=True), LicenseMalformed),
    "end a list": Forgery(signed(exp=[NOW_S]), LicenseMalformed),
    "end negative": Forgery(signed(exp=-1), LicenseMalformed),
    "end beyond the calendar": Forgery(signed(exp=10**12), LicenseMalformed),
    "end of 30 digits": Forgery(signed(exp=10**30), LicenseMalformed),
    "end of 5,000 digits": Forgery(rewritten(f'"exp":{NOW_S + 100 * DAY_S}', f'"exp":{"9" * 5_000}'), LicenseMalformed),
    "end 1e400": Forgery(rewritten(f'"exp":{NOW_S + 100 * DAY_S}', '"exp":1e400'), LicenseMalformed),
    "end NaN": Forgery(rewritten(f'"exp":{NOW_S + 100 * DAY_S}', '"exp":NaN'), LicenseMalformed),
    "end Infinity": Forgery(rewritten(f'"exp":{NOW_S + 100 * DAY_S}', '"exp":Infinity'), LicenseMalformed),
    "end before its beginning": Forgery(signed(iat=NOW_S, exp=NOW_S - 1), LicenseMalformed),
    "end in hexadecimal": Forgery(rewritten(f'"exp":{NOW_S + 100 * DAY_S}', '"exp":0x7fffffff'), LicenseMalformed),
    "beginning a text": Forgery(signed(iat="0"), LicenseMalformed),
    "begins in three days": Forgery(signed(iat=NOW_S + 3 * DAY_S), LicenseNotYetValid),
    "grace negative": Forgery(signed(grace_days=-1), LicenseMalformed),
    "grace of a century": Forgery(signed(grace_days=36_500), LicenseMalformed),
    "grace a text": Forgery(signed(grace_days="30"), LicenseMalformed),
    "threads zero": Forgery(signed(limits={"threads": 0}), LicenseMalformed),
    "threads negative": Forgery(signed(limits={"threads": -1}), LicenseMalformed),
    "threads a text": Forgery(signed(limits={"threads": "100"}), LicenseMalformed),
    "threads true": Forgery(signed(limits={"threads": True}), LicenseMalformed),
    "threads left out": Forgery(signed(limits={}), LicenseMalformed),
    "limits a list": Forgery(signed(limits=[100]), LicenseMalformed),
    "end twice": Forgery(rewritten('"exp":', f'"exp":{NOW_S - 900 * DAY_S},"exp":'), LicenseMalformed),
    "threads twice": Forgery(rewritten('"threads":', '"threads":1,"threads":'), LicenseMalformed),
    "claims a list": Forgery(payload(b"[]"), LicenseMalformed),
    "claims a text": Forgery(payload(b'"offsider"'), LicenseMalformed),
    "claims empty": Forgery(payload(b"{}"), LicenseMalformed),
    "claims no JSON": Forgery(payload(b"iss=offsider"), LicenseMalformed),
    "claims cut off": Forgery(lambda v: v.sign(as_json(v.header()), as_json(v.claims())[:-1]), LicenseMalformed),
    "claims with a tail": Forgery(lambda v: v.sign(as_json(v.header()), as_json(v.claims()) + b"{}"), LicenseMalformed),
    "claims in UTF-16": Forgery(
        lambda v: v.sign(as_json(v.header()), as_json(v.claims()).decode().encode("utf-16")), LicenseMalformed
    ),
    "claims not UTF-8": Forgery(payload(b'{"sub":"\xff"}'), LicenseMalformed),
    "claims with a byte order mark": Forgery(
        lambda v: v.sign(as_json(v.header()), b"\xef\xbb\xbf" + as_json(v.claims())), LicenseMalformed
    ),
    "claims with a NUL": Forgery(lambda v: v.sign(as_json(v.header()), as_json(v.claims()) + b"\0"), LicenseMalformed),
    "claims of 10,000 brackets": Forgery(payload(b'{"a":' + b"[" * 10_000), LicenseMalformed),
    "claims of 10,000 objects": Forgery(payload(b'{"a":' * 4_000), LicenseMalformed),
    "ended, and its grace is over": Forgery(signed(iat=0, exp=NOW_S - 31 * DAY_S, grace_days=30), LicenseExpired),
    "ended, without grace": Forgery(signed(iat=0, exp=NOW_S - 6 * DAY_S, grace_days=0), LicenseExpired),
    "revoked": Forgery(signed(jti=REVOKED), LicenseRevoked),
}

TEXTS: dict[str, Forgery] = {
    "empty": Forgery(lambda v: b"", LicenseMalformed),
    "blank": Forgery(lambda v: b" \r\n\t\n", LicenseMalformed),
    "a NUL": Forgery(lambda v: b"\0", LicenseMalformed),
    "NULs at the end": Forgery(file(lambda t: t + "\0" * 100), LicenseMalformed),
    "a NUL inside": Forgery(edited(lambda t: f"{t[:50]}\0{t[50:]}"), LicenseMalformed),
    "not UTF-8": Forgery(lambda v: b"\xff\xfe\x00", LicenseMalformed),
    "in UTF-16": Forgery(lambda v: v.file().encode("utf-16"), LicenseMalformed),
    "10 MB of letters": Forgery(lambda v: b"A" * 10_000_000, LicenseUnreadable),
    "10 MB after a good licence": Forgery(lambda v: v.file().encode() + b"\n" * 10_000_000, LicenseUnreadable),
    "60 kB of dots": Forgery(lambda v: b"." * 60_000, LicenseMalformed),
    "60 kB of letters and two dots": Forgery(lambda v: b"A" * 30_000 + b".A." + b"A" * 30_000, LicenseMalformed),
    "words": Forgery(lambda v: "a licence for everything", LicenseMalformed),
    "Evaluation in capitals": Forgery(lambda v: "EVALUATION", LicenseMalformed),
    "evaluation and more": Forgery(lambda v: "evaluation forever", LicenseMalformed),
    "evaluation, then a licence": Forgery(lambda v: f"evaluation\n{v.token()}", LicenseMalformed),
    "evaluation in armour": Forgery(lambda v: f"{BEGIN}\n\nevaluation\n{END}\n", LicenseMalformed),
    "padded": Forgery(edited(lambda t: f"{t}=="), LicenseMalformed),
    "in standard base64": Forgery(
        lambda v: v.sign(as_json(v.header()), as_json(v.claims(sub="???>>>~~~"))).replace("_", "/").replace("-", "+"),
        LicenseMalformed,
    ),
    "unused bits set": Forgery(edited(unused_bits), LicenseMalformed),
    "a blank inside": Forgery(edited(lambda t: f"{t[:50]} {t[50:]}"), LicenseMalformed),
    "a line's end inside": Forgery(edited(lambda t: f"{t[:50]}\n{t[50:]}"), LicenseMalformed),
    "a carriage return inside": Forgery(edited(lambda t: f"{t[:50]}\r{t[50:]}"), LicenseMalformed),
    "a letter that looks the same": Forgery(edited(lambda t: t.replace("e", "\u0435", 1)), LicenseMalformed),
    "a full-width letter": Forgery(edited(lambda t: t[:-1] + "\uff21"), LicenseMalformed),
    "an invisible letter": Forgery(edited(lambda t: f"{t[:50]}\u200b{t[50:]}"), LicenseMalformed),
    "two tokens": Forgery(edited(lambda t: f"{t}\n{t}"), LicenseMalformed),
    "in quotes": Forgery(edited(lambda t: f'"{t}"'), LicenseMalformed),
    "as a bearer": Forgery(edited(lambda t: f"Bearer {t}"), LicenseMalformed),
    "without its first line": Forgery(file(lambda t: t.partition("\n")[2]), LicenseMalformed),
    "without its last line": Forgery(file(lambda t: t.replace(f"{END}\n", "")), LicenseMalformed),
    "cut in the middle": Forgery(file(lambda t: t[:400]), LicenseMalformed),
    "first line of another kind": Forgery(
        file(lambda t: t.replace(BEGIN, "-----BEGIN PUBLIC KEY-----")), LicenseMalformed
    ),
    "last line of another kind": Forgery(file(lambda t: t.replace(END, "-----END PUBLIC KEY-----")), LicenseMalformed),
    "four dashes": Forgery(file(lambda t: t.replace("-----", "----")), LicenseMalformed),
    "first line indented": Forgery(file(lambda t: f" {t}"), LicenseMalformed),
    "text before": Forgery(file(lambda t: f"Dear customer,\n\n{t}"), LicenseMalformed),
    "text after": Forgery(file(lambda t: f"{t}\nKind regards"), LicenseMalformed),
    "two files": Forgery(file(lambda t: t + t), LicenseMalformed),
    "a good one inside a bad one": Forgery(file(lambda t: f"{BEGIN}\n{t}{END}\n"), LicenseMalformed),
    "only armour": Forgery(lambda v: f"{BEGIN}\n{END}\n", LicenseMalformed),
    "only headers": Forgery(lambda v: f"{BEGIN}\nCustomer: Acme\n\n{END}\n", LicenseMalformed),
    "headers without an empty line": Forgery(file(lambda t: t.replace("\n\n", "\n")), LicenseMalformed),
    "a header that is none": Forgery(file(lambda t: t.replace("Customer: ", "customer = ")), LicenseMalformed),
    "a header of 60 kB": Forgery(lambda v: armoured(v.token(), Customer="a" * 60_000), LicenseMalformed),
    "a second empty line": Forgery(file(lambda t: t.replace("\n\n", "\n\n\n")), LicenseMalformed),
    "lines of 63": Forgery(
        lambda v: "\n".join([BEGIN, "", *[v.token()[at : at + 63] for at in range(0, 650, 63)], END]), LicenseMalformed
    ),
    "one long line in armour": Forgery(lambda v: f"{BEGIN}\n\n{v.token()}\n{END}\n", LicenseMalformed),
    "a line left out": Forgery(
        file(lambda t: "\n".join(line for at, line in enumerate(t.split("\n")) if at != 7)), LicenseError
    ),
    "two lines exchanged": Forgery(
        file(lambda t: "\n".join([*t.split("\n")[:6], t.split("\n")[7], t.split("\n")[6], *t.split("\n")[8:]])),
        LicenseError,
    ),
    "lines ending in a carriage return": Forgery(file(lambda t: t.replace("\n", "\r")), LicenseMalformed),
    "a form feed": Forgery(file(lambda t: t.replace("\n\n", "\n\f\n")), LicenseMalformed),
    "a private key": Forgery(
        lambda v: "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----", LicenseMalformed
    ),
    "a script": Forgery(lambda v: "#!/bin/sh\necho licence", LicenseMalformed),
    "JSON": Forgery(lambda v: as_json(v.claims()), LicenseMalformed),
}

ALL = {**SIGNATURES, **HEADERS, **CLAIMS, **TEXTS}

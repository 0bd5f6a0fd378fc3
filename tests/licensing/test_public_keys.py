"""The keys that are shipped: two, good ones, and no private one anywhere near."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from offsider_licensing.public_keys import KEYS
from offsider_licensing.revoked import REVOKED

ROOT = Path(__file__).parents[2]


def test_there_are_two_different_ones() -> None:
    assert len(KEYS) == len(set(KEYS.values())) == 2


@pytest.mark.parametrize("kid", KEYS)
def test_a_key_is_32_bytes_that_are_a_point(kid: str) -> None:
    raw = base64.b64decode(KEYS[kid], validate=True)
    assert len(raw) == 32
    Ed25519PublicKey.from_public_bytes(raw)


def test_revoked_ids_are_ids() -> None:
    assert all(re.fullmatch(r"lic_[a-z2-7]{16}", one) for one in REVOKED)


def test_no_private_key_is_in_the_sources() -> None:
    for folder in ("packages", "licensing", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in {".py", ".md", ".toml", ".pem", ".key", ".txt"}:
                text = path.read_text("utf-8", "replace")
                assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}", text), path

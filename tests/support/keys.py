"""Keys for tests of encryption, in the environment."""

from __future__ import annotations

import binascii
import hashlib

import pytest


def text_of(name: str) -> str:
    """The key that a test calls so, as text: always the same."""
    return binascii.b2a_base64(hashlib.sha256(name.encode()).digest(), newline=False).decode("ascii")


def put_keys(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Put keys into the environment; the setting ``keys`` that names them."""
    for name in names:
        monkeypatch.setenv(f"KEY_{name.upper()}", text_of(name))
    return [f"{name}=env:KEY_{name.upper()}" for name in names]

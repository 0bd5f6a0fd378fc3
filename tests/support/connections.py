"""The connections of a test's own app: others may come and go, of what an earlier test has left to end."""

from __future__ import annotations

from typing import Any

NAME = "of-this-test"


def named(url: str) -> str:
    """A URL whose connections are known by their name."""
    return f"{url}{'&' if '?' in url else '?'}client_name={NAME}"


def count_named(raw: Any) -> int:
    """How many of them the server knows."""
    return sum(one["name"] == NAME for one in raw.client_list())

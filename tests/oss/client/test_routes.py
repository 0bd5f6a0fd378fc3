"""Which shard a queue goes to: its own name first, then the first beginning that fits."""

from __future__ import annotations

import pytest

from offsider.client.routes import Routes

TABLES = {"eu": ["mail", "reports*", "a.b*"], "us": ["reports.daily", "a*", "mail2"], "rest": ["x*", "*"]}


@pytest.mark.parametrize(
    ("queue", "shard"),
    [
        ("mail", "eu"),
        ("mail2", "us"),
        ("mail3", "rest"),
        ("reports", "eu"),
        ("reports.weekly", "eu"),
        ("reports.daily", "us"),
        ("a.b.c", "eu"),
        ("a.c", "us"),
        ("default", "rest"),
    ],
)
def test_a_name_goes_before_a_beginning_and_the_first_beginning_before_others(queue: str, shard: str) -> None:
    assert Routes(TABLES)(queue) == shard


def test_what_no_table_has_goes_to_the_apps_own_redis() -> None:
    assert Routes({"eu": ["mail"], "us": []})("mails") is None

"""What a customer can buy, and when it ends."""

from __future__ import annotations

from datetime import date

import pytest

from offsider_issuer.errors import TermsError
from offsider_issuer.terms import Terms, after, customer_name, day_of, end_s, start_s

DAY = date(2027, 11, 24)


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        (date(2026, 11, 24), "30d", date(2026, 12, 24)),
        (date(2026, 11, 24), "1y", date(2027, 11, 24)),
        (date(2026, 11, 30), "3m", date(2027, 2, 28)),
        (date(2024, 2, 29), "1y", date(2025, 2, 28)),
        (date(2026, 12, 31), "1m", date(2027, 1, 31)),
        (date(2026, 11, 24), "13m", date(2027, 12, 24)),
    ],
)
def test_a_period_ends_on_the_same_day_of_the_month_or_its_last(start: date, period: str, end: date) -> None:
    assert after(start, period) == end


@pytest.mark.parametrize("period", ["", "1", "y", "0d", "-1d", "1.5y", "1w", "1y ", "99999d", "9999y", "१y"])
def test_what_is_no_period_is_refused(period: str) -> None:
    with pytest.raises(TermsError, match=r"period|past the last day"):
        after(DAY, period)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (Terms("gold", DAY), "'gold': expected one of pro, enterprise"),
        (Terms("pro", DAY, threads=10), "only enterprise is sold by threads"),
        (Terms("enterprise", DAY, threads=0), "expected 1 to"),
        (Terms("pro", DAY, grace_days=400), "expected 0 to 365"),
        (Terms("pro", date(2300, 1, 1)), "expected a day up to"),
    ],
)
def test_terms_that_no_licence_can_have_say_what_was_expected(terms: Terms, reason: str) -> None:
    with pytest.raises(TermsError, match=reason):
        terms.checked()


@pytest.mark.parametrize("name", ["", "   ", "a\nExpires: 2199-01-01", "a\u202eb", "x" * 201, "\x00"])
def test_a_customer_has_one_printable_line(name: str) -> None:
    with pytest.raises(TermsError, match="one printable line"):
        customer_name(name)


def test_names_of_people_and_companies_are_fine() -> None:
    for name in ("Acme GmbH & Co. KG", "株式会社", "O'Neil <sales>", "Øl"):
        assert customer_name(f" {name} ") == name


def test_a_licence_holds_to_the_last_second_of_its_day() -> None:
    assert day_of(end_s(DAY)) == DAY
    assert day_of(end_s(DAY) + 1) == date(2027, 11, 25)
    assert end_s(DAY) - start_s(DAY) == 86_399

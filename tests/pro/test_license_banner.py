"""Every page says what has to be said of the licence, once, and nothing while all is well."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from offsider import App
from offsider_licensing import Standing
from offsider_pro.edition import ProEdition
from offsider_pro.license_banner import LicenseBanner
from support.site import Visitor


def gate(state: str, **more: Any) -> Any:
    """A gate whose licence stands so."""
    held = SimpleNamespace(id="L1", customer="Ada & Co", expires="2027-01-01", evaluation=False)
    return SimpleNamespace(license=held, standing=lambda: Standing(state, **more))  # type: ignore[arg-type]


def test_the_evaluation_licence_is_told_on_every_page(make_app: Callable[..., App]) -> None:
    visitor = Visitor(make_app(editions=[ProEdition(license="evaluation")]).web())
    for address in ("/", "/queues", "/jobs/x"):
        assert visitor.text(address).count("Evaluation licence: not for production") == 1


@pytest.mark.parametrize(
    ("state", "level"), [("ending", "warning"), ("fallback", "warning"), ("grace", "problem"), ("expired", "problem")]
)
def test_an_end_is_told_as_loudly_as_it_is_near(state: str, level: str) -> None:
    (notice,) = LicenseBanner(gate(state, days_left=3, grace_left=5))()
    assert notice.level == level
    assert notice.text.startswith("The licence L1 of 'Ada & Co' end")


def test_nothing_is_said_while_all_is_well() -> None:
    assert not list(LicenseBanner(gate("valid", days_left=300))())
    assert not list(LicenseBanner(SimpleNamespace(license=None, standing=lambda: None))())  # type: ignore[arg-type]

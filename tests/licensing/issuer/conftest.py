"""A vendor for each test, with made-up wheels in the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.vendor import Site, Vendor
from support.wheels import make_wheel


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    """A vendor without customers and packages."""
    return Vendor.at(tmp_path / "vendor")


@pytest.fixture
def stocked(vendor: Vendor, tmp_path: Path) -> Vendor:
    """A vendor with a wheel of each project for sale, and a newer one of Pro."""
    shop = tmp_path / "wheels"
    for project in ("offsider-licensing", "offsider-pro", "offsider-enterprise"):
        vendor.publish(make_wheel(shop, project, built="2026-11-01"))
    vendor.publish(make_wheel(shop, "offsider-pro", "1.1", built="2027-03-01"))
    return vendor


@pytest.fixture
def site(stocked: Vendor) -> Iterator[Site]:
    """Its index, served."""
    with stocked.index() as served:
        yield served

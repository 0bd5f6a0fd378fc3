"""What is published: only what is for sale, never changed, with the day it was built."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from offsider_issuer.database import opened
from offsider_issuer.errors import PublishError
from offsider_issuer.records import Package
from support.vendor import TODAY, Vendor
from support.wheels import make_wheel


def on_the_shelf(vendor: Vendor) -> list[Package]:
    from offsider_issuer.shelf import Shelf

    with opened(vendor.folder.ledger) as connection:
        return Shelf(connection, vendor.folder, vendor.clock).packages()


def test_the_build_date_is_the_stamped_one_or_else_today(vendor: Vendor, tmp_path: Path) -> None:
    vendor.publish(make_wheel(tmp_path, "offsider-pro", built="2026-05-01"), make_wheel(tmp_path, "offsider-licensing"))
    assert [one.built for one in on_the_shelf(vendor)] == [date(2026, 5, 1), TODAY]


def test_a_published_file_is_never_changed(vendor: Vendor, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "a", "offsider-pro")
    vendor.publish(wheel, wheel)
    with pytest.raises(PublishError, match="another content: raise the version"):
        vendor.publish(make_wheel(tmp_path / "b", "offsider-pro", text="x = 1"))
    (published,) = on_the_shelf(vendor)
    path = vendor.folder.packages / published.file
    assert path.read_bytes() == wheel.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in vendor.folder.packages.iterdir()) == [wheel.name, f"{wheel.name}.metadata"]


@pytest.mark.parametrize("project", ["offsider", "offsider-issuer", "redis"])
def test_only_what_is_for_sale_is_taken(vendor: Vendor, tmp_path: Path, project: str) -> None:
    with pytest.raises(PublishError, match=f"{project} is not for sale"):
        vendor.publish(make_wheel(tmp_path, project))
    assert list(vendor.folder.packages.iterdir()) == []

"""Enterprise in a web process: a licence of its own, beside Pro's, is told of, too."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from offsider import App
from offsider_enterprise import EnterpriseEdition
from offsider_pro import ProEdition
from support.signer import DAY_S, NOW_S, Signer
from support.site import Visitor


def test_every_page_tells_of_the_end_of_each_licence_once(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer()
    monkeypatch.setattr("offsider_licensing.public_keys.KEYS", signer.keys)
    for module in ("offsider_licensing.gate", "offsider_pro.license"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: float(NOW_S)))
    ending = signer.token(exp=NOW_S + 3 * DAY_S)
    apart = make_app(editions=[ProEdition(signer.token()), EnterpriseEdition(ending)])
    assert Visitor(apart.web()).text("/queues").count("in 3 days") == 1
    together = make_app(editions=[ProEdition(ending), EnterpriseEdition(ending)])
    assert Visitor(together.web()).text("/queues").count("in 3 days") == 1

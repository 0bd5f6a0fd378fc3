"""Every key of Enterprise is known to fsck, with its type."""

from __future__ import annotations

import re

import pytest

from offsider.store.keys import Keys
from offsider_enterprise.invariant import EnterpriseInvariant
from offsider_enterprise.keys import EnterpriseKeys


@pytest.mark.parametrize("namespace", ["shop", ""])
def test_every_key_has_a_kind(namespace: str) -> None:
    keys = Keys(namespace)
    ours = EnterpriseKeys(keys)
    made = {value for name, value in vars(ours).items() if not name.startswith(("_", "cron"))}
    kinds = list(EnterpriseInvariant().kinds(keys))
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert all(any(re.fullmatch(kind.pattern, key) for kind in kinds) for key in made)

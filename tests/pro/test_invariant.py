"""Every key of Pro is known to fsck, with its type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from offsider import App
from offsider.api.fsck import fsck
from offsider.store.keys import Keys
from offsider_pro import ProEdition
from offsider_pro.invariant import ProInvariant
from offsider_pro.keys import ProKeys


@pytest.mark.parametrize("namespace", ["shop", ""])
def test_every_key_has_a_kind(namespace: str) -> None:
    keys = Keys(namespace)
    ours = ProKeys(keys)
    made = {value for name, value in vars(ours).items() if not name.startswith("_")} | {
        ours.deletions("mail"),
        ours.death("vm:1:a"),
        ours.suspects("vm:1:a"),
        ours.usage(1),
    }
    kinds = list(ProInvariant().kinds(keys))
    assert len(kinds) == len(made)
    assert all(any(re.fullmatch(kind.pattern, key) for kind in kinds) for key in made)


def test_what_is_paused_is_no_finding(make_app: Callable[..., App], raw: Any) -> None:
    raw.sadd("{offsider}:paused", "mail")
    raw.hset("{offsider}:pauses", "mail", "{}")
    raw.incr("{offsider}:stat:expired")
    assert fsck(make_app(editions=[ProEdition(license="evaluation")])).found == ()
    raw.incr("{offsider}:deletions:mail")
    (one,) = fsck(make_app(editions=[ProEdition(license="evaluation")]), mend=True).found
    assert (one.breach.rule, one.mended) == ("endless", True)
    assert 0 < raw.ttl("{offsider}:deletions:mail") <= 3600

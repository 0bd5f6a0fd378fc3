"""Every key that the house makes has a kind, and exactly one."""

from __future__ import annotations

import inspect
import re

import pytest

from offsider.contract.findings import KeyKind
from offsider.store.keys import Keys
from offsider.store.layout import kinds

JID = "b4a577edbccf1d805744efa9"
IDENTITY = "web-1.example:4711:0123456789ab"
PARTS = {
    "name": "mail", "queue": "mail", "owner": f"{IDENTITY}/default/1~2", "jid": JID, "lane": "0123456789abcdef01",
    "identity": IDENTITY, "date": "20250214", "label": "v1", "token": "t", "stamp": "250214|8:03",
}  # fmt: skip
NAMESPACES = ["shop", "", "a.b"]


def made(keys: Keys) -> dict[str, str]:
    """A key of every function and attribute."""
    found = {name: value for name, value in vars(keys).items() if name not in ("namespace", "prefix")}
    for name, function in inspect.getmembers(Keys, inspect.isfunction):
        if not name.startswith("_"):
            parameters = [one for one in inspect.signature(function).parameters if one in PARTS]
            found[name] = getattr(keys, name)(*[PARTS[one] for one in parameters])
    found["histogram"] = keys.histogram("shop.jobs.welcome", "14-8:3")
    found["day"] = keys.stat("processed", "2025-02-14")
    return found


def matching(keys: Keys, key: str) -> list[KeyKind]:
    return [kind for kind in kinds(keys) if re.fullmatch(kind.pattern, key)]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_key_has_a_kind(namespace: str) -> None:
    keys = Keys(namespace)
    unknown = [name for name, key in made(keys).items() if not matching(keys, key)]
    assert unknown == ([] if namespace else ["profile"]), "names of profiles are like anybody's"


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_kinds_of_one_key_agree_on_its_type(namespace: str) -> None:
    keys = Keys(namespace)
    for key in made(keys).values():
        assert len({kind.type for kind in matching(keys, key)[:1]}) <= 1
    assert matching(keys, keys.stat("processed", "2025-02-14"))[0].ttl_s
    assert not matching(keys, keys.stat("processed"))[0].ttl_s


@pytest.mark.parametrize("key", ["queue", "queues2", "lane:", "x:y", "owners:1", "stat:", "j|25|1:1"])
def test_other_keys_have_none(key: str) -> None:
    assert not matching(Keys("shop"), f"{{shop}}:{key}")
    assert not matching(Keys("shop"), key)

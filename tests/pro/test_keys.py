"""Every key of Pro has the prefix of its app, and is told of in a guide."""

from __future__ import annotations

from offsider.store.keys import Keys
from offsider_pro.keys import ProKeys
from support.pages import page

NAMES = ("expiring-jobs", "pausing", "deleting", "reliable-fetch", "costs")
GUIDES = [page(f"docs/guides/{name}.md") for name in NAMES]


def made(namespace: str) -> set[str]:
    keys = ProKeys(Keys(namespace))
    return {value for name, value in vars(keys).items() if not name.startswith("_")} | {
        keys.deletions("NAME"),
        keys.death("IDENTITY"),
        keys.suspects("IDENTITY"),
        keys.usage("HOUR"),
    }


def test_every_key_has_the_prefix() -> None:
    assert made("shop") == {f"{{shop}}:{key}" for key in made("")}


def test_every_key_is_told_of_in_a_guide() -> None:
    told = {row[0].strip("`") for guide in GUIDES for row in guide.rows("In Redis")}
    assert made("") <= told

"""What the driver must know about a system: reads ``systems/NAME.toml``. Never installs or starts anything."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEMS = Path(__file__).parent / "systems"
LANGUAGES = ("python", "node", "debian-ruby")
OPERATIONS: dict[str, int] = {"llen": 1, "zcard": 1, "hlen": 1, "hlen*": 1, "scard": 1, "xlen": 1, "get": 1, "lag": 2}
_REQUIRED = {"title": str, "language": str, "packages": list, "adapter": str, "bulk": bool, "remaining": list}
_KEYS = {**_REQUIRED, "variants": list, "enqueue_variant": bool}
_VARIANT = {"name": str, "best": bool, "note": str}


class BadSystem(Exception):
    """A file of `systems` is not what it must be; says where and what was expected."""


@dataclass(frozen=True)
class Variant:
    """One way to start a system's worker."""

    name: str
    best: bool = False
    note: str = ""


@dataclass(frozen=True)
class System:
    """One system.

    Attributes:
        name: The stem of its file; its environment has the same name.
        bulk: It has a documented way to enqueue many at once.
        remaining: What to ask Redis for; the sum is 0 when every job is done.
        enqueue_variant: Its ``enqueue`` must know which variant will run the jobs.
    """

    name: str
    title: str
    language: str
    packages: tuple[str, ...]
    adapter: Path
    bulk: bool
    remaining: tuple[tuple[str, ...], ...]
    variants: tuple[Variant, ...]
    enqueue_variant: bool = False


def read_all(folder: Path = SYSTEMS, names: Sequence[str] = ()) -> list[System]:
    """The systems of a folder, by name, or those that are named.

    Raises:
        BadSystem: A named one does not exist, or a file is wrong.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names:
        if name not in files:
            raise BadSystem(f"there is no system {name!r}. There are: {', '.join(files) or 'none'}")
    return [read(files[name]) for name in names or files]


def read(path: Path) -> System:
    """One file.

    Raises:
        BadSystem: It is no TOML, lacks something, or has what nobody knows.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadSystem(f"{path.name} is no TOML: {error}") from None
    _check(path.name, found, _KEYS, _REQUIRED)
    if found["language"] not in LANGUAGES:
        raise BadSystem(f"{path.name}: language is {found['language']!r}; expected one of {', '.join(LANGUAGES)}")
    adapter = path.parent / found["adapter"]
    if not adapter.is_file():
        raise BadSystem(f"{path.name}: there is no adapter {found['adapter']!r} beside it")
    return System(
        name=path.stem,
        title=found["title"],
        language=found["language"],
        packages=tuple(map(str, found["packages"])),
        adapter=adapter,
        bulk=found["bulk"],
        remaining=_remaining(path.name, found["remaining"]),
        variants=_variants(path.name, found.get("variants", [])),
        enqueue_variant=found.get("enqueue_variant", False),
    )


def _check(where: str, found: Mapping[str, Any], known: Mapping[str, type], required: Mapping[str, type]) -> None:
    for key in required:
        if key not in found:
            raise BadSystem(f"{where}: {key!r} is missing")
    for key, value in found.items():
        if key not in known:
            raise BadSystem(f"{where}: {key!r} is not known. Known are: {', '.join(known)}")
        if not isinstance(value, known[key]):
            raise BadSystem(f"{where}: {key} is {value!r:.80}; expected a value of type {known[key].__name__}")


def _remaining(where: str, found: list[Any]) -> tuple[tuple[str, ...], ...]:
    if not found:
        raise BadSystem(f"{where}: remaining is empty; expected e.g. [['llen', 'queue']]")
    for one in found:
        if not isinstance(one, list) or not one or one[0] not in OPERATIONS:
            raise BadSystem(f"{where}: remaining has {one!r:.80}; expected one of {', '.join(OPERATIONS)} and its key")
        if len(one) != OPERATIONS[one[0]] + 1:
            raise BadSystem(f"{where}: {one!r:.80} has {len(one) - 1} keys; {one[0]} takes {OPERATIONS[one[0]]}")
    return tuple(tuple(map(str, one)) for one in found)


def _variants(where: str, found: list[Any]) -> tuple[Variant, ...]:
    if not found:
        raise BadSystem(f"{where} has no [[variants]]; expected at least one, with the system's defaults")
    for one in found:
        _check(f"{where}, [[variants]]", one, _VARIANT, {"name": str})
    names = [one["name"] for one in found]
    if len(set(names)) < len(names):
        raise BadSystem(f"{where}: the variants {', '.join(names)} are not all different")
    return tuple(Variant(**one) for one in found)

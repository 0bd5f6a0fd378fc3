"""Finds the installed editions, puts them in order, says which a job lacks. Knows none of them by name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .contract import VERSION
from .contract.edition import Edition
from .errors import ContractMismatch, EditionError, shown, suggest

if TYPE_CHECKING:
    from .job.record import Record

GROUP = "offsider.editions"


def load(editions: Sequence[Edition] | None, env: Mapping[str, str] | None = None) -> list[Edition]:
    """The editions to install, in order: what one needs comes before it, ties by name.

    Args:
        editions: Exactly these; None for all that are installed, or those that ``OFFSIDER_EDITIONS`` names
            (``oss`` for none).
        env: The environment; the process's own when None.

    Raises:
        EditionError: One cannot be imported, is needed but missing, or they need each other.
        ContractMismatch: One was built for another contract.
    """
    found = list(editions) if editions is not None else _discover(os.environ if env is None else env)
    for edition in found:
        _check(edition)
    return _ordered(found)


def lacking(record: Record, installed: Collection[str], where: str = "in this worker") -> str | None:
    """Why a job cannot run without an edition that it names and that is not installed; None when all are.

    Example:
        >>> lacking({"needs": ["acme"]}, {"acme"}) is None
        True
    """
    names = record.get("needs") or ()
    missing = [name for name in names if type(name) is not str or name not in installed]
    if not missing:
        return None
    return (
        f"it needs the edition {shown(missing[0])}, which is not installed {where} (installed:"
        f" {', '.join(sorted(installed)) or 'none'}). Install it, or leave the job to a worker that has it"
    )


def _discover(env: Mapping[str, str]) -> list[Edition]:
    from importlib.metadata import entry_points  # a tenth of the time that a command takes to start

    installed = {point.name: point for point in entry_points(group=GROUP)}
    chosen = env.get("OFFSIDER_EDITIONS")
    names: Iterable[str] = installed
    if chosen is not None:
        names = [name for part in chosen.split(",") if (name := part.strip()) and name != "oss"]
    made = []
    for name in dict.fromkeys(names):
        if name not in installed:
            raise EditionError(
                f"OFFSIDER_EDITIONS names {name!r}, which is not installed here.{suggest(name, [*installed, 'oss'])}"
                f" Installed are: {', '.join(installed) or 'none'}"
            )
        try:
            made.append(installed[name].load()())
        except Exception as error:
            raise EditionError(
                f"the edition {name!r} ({installed[name].value}) cannot be loaded: {error}. Reinstall it, or set"
                " OFFSIDER_EDITIONS=oss to go without"
            ) from error
    return made


def _check(edition: object) -> None:
    if not isinstance(edition, Edition):
        raise EditionError(f"{shown(edition)} is no edition: expected an object, e.g. editions=[MyEdition()]")
    if edition.contract != VERSION:
        raise ContractMismatch(
            f"the edition {edition.name!r} was built for contract {edition.contract}, this offsider has contract"
            f" {VERSION}. Install versions that fit: pip install --upgrade offsider offsider-{edition.name}"
        )


def _ordered(editions: Sequence[Edition]) -> list[Edition]:
    waiting: dict[str, Edition] = {}
    for edition in sorted(editions, key=lambda one: one.name):
        if edition.name in waiting:
            raise EditionError(
                f"two editions have the name {edition.name!r}: {type(waiting[edition.name])!r} and {type(edition)!r}."
                " Uninstall one, or choose with editions="
            )
        waiting[edition.name] = edition
    ordered: list[Edition] = []
    while waiting:
        ready = [one for one in waiting.values() if not set(one.needs) & waiting.keys()]
        done = {one.name for one in ordered}
        for one in ready[:1]:
            missing = [need for need in one.needs if need not in done]
            if missing:
                raise EditionError(
                    f"the edition {one.name!r} needs {', '.join(missing)}, which is not installed: pip install"
                    f" offsider-{missing[0]}"
                )
            ordered.append(waiting.pop(one.name))
        if not ready:
            raise EditionError(f"the editions {', '.join(waiting)} need each other; none can be first")
    return ordered

"""``offsider license``: what the licence is, and whether it holds. Works when it is bad or missing, too.

Exit codes: 0 it holds, 1 it does not, 2 there is none or it cannot be read.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import click

from offsider_licensing import License, LicenseError, LicenseMissing, LicenseUnreadable, Standing, examine, judge
from offsider_licensing.build import stamp
from offsider_licensing.explain import sentence

EDITIONS = ("pro", "enterprise")


def _namespace() -> str:
    """Not by click, which takes an empty variable for none: it is the layout that is shared with Sidekiq."""
    return os.environ.get("OFFSIDER_NAMESPACE", "offsider")


@click.group("license", short_help="Show or verify the licence.")
def license_group() -> None:
    """Show or verify the licence. Exit codes: 0 it holds, 1 it does not, 2 there is none or it cannot be read."""


@license_group.command("show")
@click.option("--json", "as_json", is_flag=True, help="One object, for programs.")
@click.option("--url", envvar="OFFSIDER_REDIS_URL", help="Redis, to count the threads in use; else OFFSIDER_REDIS_URL.")
@click.option("--namespace", default=_namespace, help="The namespace to count in; else OFFSIDER_NAMESPACE.")
def show(as_json: bool, url: str | None, namespace: str) -> None:
    """Show whose licence it is, for what, until when, and where it was found."""
    try:
        held = examine()
    except LicenseError as error:
        _refuse(error, as_json=as_json)
    standing = _standing(held)
    facts = _facts(held, standing)
    if url:
        facts |= _usage(url, namespace)
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _table(facts))
    sys.exit(0 if standing.holds else 1)


@license_group.command("verify")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("-e", "--edition", type=click.Choice(EDITIONS), help="It must be for this one.")
def verify(file: Path | None, edition: str | None) -> None:
    """Verify FILE, or the licence that an app would find here. Asks no network."""
    try:
        held = examine(file)
    except LicenseError as error:
        _refuse(error, as_json=False)
    standing = _standing(held)
    fits = edition is None or edition in held.editions
    says = sentence(standing) if fits else f"not for {edition}"
    click.echo(f"{held.id}  {held.customer}  {', '.join(held.editions)}  {says}  ({held.source})")
    sys.exit(0 if fits and standing.holds else 1)


def _standing(held: License) -> Standing:
    """As the last built of the installed editions that it is for would find it."""
    packages = [f"offsider_{edition}" for edition in EDITIONS if edition in held.editions or edition == "pro"]
    stamps = [stamp(package) for package in packages if find_spec(package) is not None]
    built = None if None in stamps else max(one for one in stamps if one is not None)
    return judge(held, now_s=time.time(), built=built)


def _refuse(error: LicenseError, *, as_json: bool) -> NoReturn:
    missing = isinstance(error, (LicenseMissing, LicenseUnreadable))
    if as_json:
        looked = [one._asdict() for one in error.looked]
        facts = {
            "state": "missing" if isinstance(error, LicenseMissing) else "refused",
            "error": type(error).__name__,
            "problem": error.problem,
            "looked": looked,
            "remedy": error.remedy,
        }
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        click.echo(f"{type(error).__name__}: {error.problem}.", err=True)
        for one in error.looked:
            click.echo(f"  {one.place}: {one.found}", err=True)
        click.echo(f"{error.remedy}.", err=True)
    sys.exit(2 if missing else 1)


def _facts(held: License, standing: Standing) -> dict[str, Any]:
    return {
        "tier": held.tier,
        "editions": list(held.editions),
        "customer": held.customer,
        "id": held.id,
        "threads": held.threads,
        "expires": held.expires,
        "days_left": standing.days_left,
        "grace_left": standing.grace_left,
        "state": standing.state,
        "says": sentence(standing),
        "key_id": held.key_id,
        "found": held.source,
    }


def _usage(url: str, namespace: str) -> dict[str, Any]:
    """How many threads work now; why not, where Redis does not say."""
    from offsider.errors import OffsiderError
    from offsider.store.connection import Connections
    from offsider.store.keys import Keys

    from ..threads import count_threads

    connections = Connections(url, namespace=namespace, connect_timeout_s=2.0)
    try:
        return {"threads_in_use": count_threads(connections, Keys(namespace))}
    except OffsiderError as error:
        return {"threads_in_use": None, "threads_unknown": str(error)}
    finally:
        connections.close()


def _table(facts: dict[str, Any]) -> str:
    threads = "unlimited" if facts["threads"] is None else f"{facts['threads']:,}"
    in_use = facts.get("threads_in_use")
    if in_use is not None:
        over = facts["threads"] is not None and in_use > facts["threads"]
        threads += f", {in_use:,} in use{': lower the concurrency or extend the licence' if over else ''}"
    elif "threads_unknown" in facts:
        threads += f", in use: unknown ({facts['threads_unknown']})"
    rows = {
        "tier": facts["tier"],
        "customer": facts["customer"],
        "licence": facts["id"],
        "threads": threads,
        "ends": facts["expires"],
        "state": facts["says"],
        "index user": facts["key_id"] or "none",
        "found": facts["found"],
    }
    return "\n".join(f"{name:<12}{value}" for name, value in rows.items())

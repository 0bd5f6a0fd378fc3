"""``offsider-issuer inspect`` and ``list``: what was issued."""

from __future__ import annotations

from typing import TextIO

import click

from ..claims import kid_of, token_of, unverified, verified
from ..errors import InvalidLicense, IssuerError, UnknownLicense
from ..keys import public_keys
from ..terms import after, day_of
from . import options
from .desk import Desk, facts_of, say, threads_of


@click.command(short_help="Read a licence file.")
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"))
@options.as_json
@click.pass_obj
def inspect(desk: Desk, file: TextIO, as_json: bool) -> None:
    """Say what a licence file holds, whoever has signed it; `-` reads it from standard input.

    Exit code 1 when no key of this folder has signed it.
    """
    token = token_of(file.read(20_000))
    claims, kid = unverified(token), kid_of(token)
    try:
        verified(token, public_keys(desk.folder))
        doubt = None
    except InvalidLicense as error:
        doubt = str(error)
    lines = [
        f"{claims.jti} for {claims.sub}",
        f"editions      {', '.join(claims.aud)}",
        f"issued        {day_of(claims.iat)}",
        f"ends          {day_of(claims.exp)}, then {claims.grace_days} days of grace",
        f"threads       {'no limit' if claims.limits.threads is None else claims.limits.threads}",
        f"index user    {claims.key_id}",
        f"signature     {f'good, by {kid}' if doubt is None else doubt}",
        f"ledger        {_in_ledger(desk, claims.jti)}",
    ]
    facts = {**claims.model_dump(), "kid": kid, "good": doubt is None, "ledger": _in_ledger(desk, claims.jti)}
    say("\n".join(lines), facts, as_json)
    if doubt is not None:
        raise click.exceptions.Exit(1)


@click.command("list", short_help="All licences.")
@click.option("--customer", help="Only those whose customer's name has these letters.")
@click.option("--ending", metavar="PERIOD", help="Only those that end within so long: 30d, 3m.")
@options.as_json
@click.pass_obj
def list_licenses(desk: Desk, customer: str | None, ending: str | None, as_json: bool) -> None:
    """All licences, those that end first before the others."""
    with desk.ledger() as ledger:
        found = ledger.licenses()
    if customer:
        found = [one for one in found if customer.casefold() in one.customer.casefold()]
    if ending:
        found = [one for one in found if desk.today() <= one.ends <= after(desk.today(), ending)]
    lines = [
        f"{one.license_id}  {one.key_id}  {one.ends}{'  revoked' if one.revoked_s is not None else ''}"
        f"  {one.customer}: {one.edition}{threads_of(one)}"
        for one in found
    ]
    say("\n".join(lines) or "no licences", [facts_of(one) for one in found], as_json)


def _in_ledger(desk: Desk, license_id: str) -> str:
    try:
        with desk.ledger() as ledger:
            found = ledger.find(license_id)
    except UnknownLicense:
        return "not in this ledger"
    except IssuerError as error:
        return str(error)
    return f"revoked: {found.reason}" if found.revoked_s is not None else "issued, not revoked"

"""``offsider-issuer serve-index``."""

from __future__ import annotations

import ipaddress
import logging
import socket
from pathlib import Path
from typing import Any

import click
import uvicorn

from ..database import opened
from ..errors import TermsError
from ..index import Rates, make_app
from .desk import Desk

LOG = "%(asctime)s %(levelname)s %(name)s: %(message)s"
RATES = Rates()


@click.command("serve-index", short_help="Serve the private index.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True), help="The certificate, for HTTPS.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="Its private key.")
@click.option("--proxy", metavar="ADDRESS", help="Trust X-Forwarded-For from this proxy, which speaks HTTPS.")
@click.option(
    "--key-rate", default=RATES.key_per_s, show_default=True, type=click.FloatRange(0.1), help="Requests per s."
)
@click.option("--address-rate", default=RATES.address_per_s, show_default=True, type=click.FloatRange(0.1))
@click.pass_obj
def serve_index(
    desk: Desk,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    proxy: str | None,
    key_rate: float,
    address_rate: float,
) -> None:
    """Serve the private index until TERM or INT. It needs the ledger and the packages, never a signing key.

    Off loopback it wants --tls-cert and --tls-key, or --proxy: keys do not travel in the clear.
    """
    if (tls_cert is None) != (tls_key is None):
        raise TermsError("one of --tls-cert and --tls-key is missing: expected both")
    if not (tls_cert or proxy or is_loopback(host)):
        raise TermsError(f"{host} without HTTPS: expected --tls-cert and --tls-key, or --proxy ADDRESS")
    with opened(desk.folder.ledger, read_only=True):
        pass  # a fault in the ledger is said now, not at the first request
    logging.basicConfig(level=logging.INFO, format=LOG)
    rates = Rates(key_per_s=key_rate, address_per_s=address_rate)
    config = uvicorn.Config(
        make_app(desk.folder, rates), log_config=None, access_log=False, server_header=False,
        ssl_certfile=tls_cert, ssl_keyfile=tls_key, proxy_headers=proxy is not None, forwarded_allow_ips=proxy or "",
    )  # fmt: skip
    with bound(host, port) as listening:
        click.echo(
            f"index at {'https' if tls_cert else 'http'}://{url_host(host)}:{listening.getsockname()[1]}/simple/"
        )
        uvicorn.Server(config).run(sockets=[listening])


def bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        TermsError: The address cannot be had.
    """
    try:
        family: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise TermsError(f"{host}:{port} cannot be listened on: {error.strerror or error}") from None


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_host(host: str) -> str:
    """A host as a URL spells it."""
    return f"[{host}]" if ":" in host else host

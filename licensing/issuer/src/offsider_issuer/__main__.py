"""``python -m offsider_issuer``."""

from __future__ import annotations

from .cli.main import main

main()

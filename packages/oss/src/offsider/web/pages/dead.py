"""The jobs that have no retries left."""

from __future__ import annotations

from ..listing import DELETE, RETRY, Listing

PAGES = Listing("/dead", "offsider/dead.html", lambda app: app.dead, (RETRY, DELETE), newest=True, fails=True).pages()

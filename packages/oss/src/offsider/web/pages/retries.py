"""The jobs that have failed and are tried again."""

from __future__ import annotations

from ..listing import DELETE, KILL, RUN, Listing

PAGES = Listing("/retries", "offsider/retries.html", lambda app: app.retries, (RUN, DELETE, KILL), fails=True).pages()

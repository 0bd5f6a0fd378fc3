"""The jobs that wait for their time."""

from __future__ import annotations

from ..listing import DELETE, KILL, RUN, Listing

PAGES = Listing("/scheduled", "offsider/scheduled.html", lambda app: app.scheduled, (RUN, DELETE, KILL)).pages()

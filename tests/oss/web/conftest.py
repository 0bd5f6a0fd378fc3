"""The pages' tests need the extra ``web`` and a client; where the free edition is alone they are not collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = ["*test_*.py"] if None in [find_spec(name) for name in ("starlette", "jinja2", "httpx")] else []

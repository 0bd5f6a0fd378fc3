"""The pages of the index, as HTML (PEP 503) and as JSON (PEP 691, 700, 714). Values in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from ..records import Package

API = "1.1"


def project_list_html(projects: Iterable[str]) -> str:
    """All projects that somebody may have."""
    return _html("Packages", [f'<a href="{quote(name)}/">{escape(name)}</a>' for name in projects])


def project_list_json(projects: Iterable[str]) -> str:
    """All projects that somebody may have."""
    return _json({"projects": [{"name": name} for name in projects]})


def project_html(name: str, packages: Sequence[Package]) -> str:
    """All files of a project that somebody may have."""
    return _html(name, [_anchor(package) for package in packages])


def project_json(name: str, packages: Sequence[Package]) -> str:
    """All files of a project that somebody may have."""
    versions = list(dict.fromkeys(package.version for package in packages))
    return _json({"name": name, "versions": versions, "files": [_file(package) for package in packages]})


def _anchor(package: Package) -> str:
    # Both spellings of the metadata's hash: the first is the standard's, the second what older clients read.
    attributes = {
        "href": f"{_url(package)}#sha256={package.sha256}",
        "data-core-metadata": f"sha256={package.metadata_sha256}",
        "data-dist-info-metadata": f"sha256={package.metadata_sha256}",
    }
    if package.requires_python:
        attributes["data-requires-python"] = package.requires_python
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<a {written}>{escape(package.file)}</a>"


def _file(package: Package) -> dict[str, Any]:
    metadata = {"sha256": package.metadata_sha256}
    described = {
        "filename": package.file,
        "url": _url(package),
        "hashes": {"sha256": package.sha256},
        "size": package.bytes,
        "upload-time": datetime.fromtimestamp(package.published_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
    }
    return {**described, **({"requires-python": package.requires_python} if package.requires_python else {})}


def _url(package: Package) -> str:
    # Relative, so that it holds behind any host name and path prefix.
    return f"../../files/{quote(package.file)}"


def _html(title: str, anchors: Iterable[str]) -> str:
    head = f'<meta charset="utf-8"><meta name="pypi:repository-version" content="{API}"><title>{escape(title)}</title>'
    lines = "".join(f"{anchor}<br>\n" for anchor in anchors)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{lines}</body></html>\n'


def _json(content: dict[str, Any]) -> str:
    return json.dumps({"meta": {"api-version": API}, **content}, separators=(",", ":"))

"""Which form of a page a client wants: HTML (PEP 503) or JSON (PEP 691)."""

from __future__ import annotations

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
TEXT = "text/html"

_KNOWN = {
    JSON: JSON,
    HTML: HTML,
    TEXT: TEXT,
    "application/vnd.pypi.simple.latest+json": JSON,
    "application/vnd.pypi.simple.latest+html": HTML,
    "application/json": JSON,
    "text/*": TEXT,
    "*/*": TEXT,
}


def chosen(header: str) -> str | None:
    """The form that an Accept header likes best; HTML for none, None when it likes nothing we have.

    Example:
        >>> chosen("application/vnd.pypi.simple.v1+json, text/html;q=0.1")
        'application/vnd.pypi.simple.v1+json'
        >>> chosen("image/png") is None
        True
    """
    if not header.strip():
        return TEXT
    best, best_weight = None, 0.0
    for part in header.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = _weight(parameters)
        if kind in _KNOWN and weight > best_weight:
            best, best_weight = _KNOWN[kind], weight
    return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0

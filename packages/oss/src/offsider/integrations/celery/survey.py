"""What of a program's use of Celery has to be written otherwise. Reads source, imports and runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .tasks import ADVICE

_WORKFLOW = "a loop or enqueue_many is a group; a chain is a body that enqueues the next job"
_PERIODIC = "periodic jobs are not part of Tasks: let a timer call enqueue, or use an edition that has a crontab"
CALLS = {
    "group": _WORKFLOW,
    "chain": _WORKFLOW,
    "chord": _WORKFLOW,
    "chunks": _WORKFLOW,
    "signature": _WORKFLOW,
    "AsyncResult": "results: the option result_ttl, and app.result(jid)",
    "crontab": _PERIODIC,
    "add_periodic_task": _PERIODIC,
    "send_task": "enqueue the job itself; a program without its code defines one of that name, with an empty body",
}
METHODS = {
    "s": _WORKFLOW,
    "si": _WORKFLOW,
    "retry": "raise, and the job is retried; return Snooze(seconds) to try later without using an attempt",
    "revoke": "app.cancel(jid)",
    "update_state": "ctx.progress(done, total, note)",
}
SETTINGS = {
    "beat_schedule": _PERIODIC,
    "task_routes": "the queue is an option of the job, and of a call",
    "task_always_eager": "offsider.testing.inline, in tests",
    "task_annotations": "options of the job",
    "result_backend": "results are kept in Redis, for jobs with the option result_ttl",
}
NEEDS_SELF = ("retry", "update_state")


@dataclass(frozen=True, slots=True)
class Use:
    """One place.

    Attributes:
        file, line: Where.
        what: E.g. ``bind=True``.
        advice: What to write instead.
    """

    file: str
    line: int
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}: {self.advice}"

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def survey(paths: Iterable[str | Path]) -> list[Use]:
    """Every use of Celery in these files and folders that `Tasks` does not take over, by file and line.

    Only modules that name Celery, or define tasks, are looked at; what cannot be parsed is told as such.

    Args:
        paths: Files, or folders with ``.py`` files below them.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "tasks.py")
        ...     written = path.write_text("from celery import chain\\nchain(a.s(1), b.s())\\n", "utf-8")
        ...     [(use.line, use.what) for use in survey([folder])]
        [(2, 'chain(…)'), (2, '.s(…)'), (2, '.s(…)')]
    """
    return [use for path in paths for file in _files(Path(path)) for use in _of_file(file)]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _of_file(path: Path) -> list[Use]:
    source = path.read_bytes()
    if b"celery" not in source.lower() and b"shared_task" not in source:
        return []
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        return [Use(str(path), getattr(error, "lineno", None) or 1, "not Python", str(error))]
    nodes: Iterator[Any] = ast.walk(tree)
    found = [Use(str(path), node.lineno, what, advice) for node in nodes for what, advice in _uses(node)]
    return sorted(found, key=lambda use: use.line)


def _uses(node: Any) -> Iterator[tuple[str, str]]:
    look = _LOOKS.get(type(node))
    if look is not None and hasattr(node, "lineno"):
        yield from look(node)


def _call(node: ast.Call) -> Iterator[tuple[str, str]]:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    method = node.func.attr if isinstance(node.func, ast.Attribute) else None
    called = name or method
    if called in CALLS:
        yield f"{called}(…)", CALLS[called]
    elif method in METHODS and _is_meant(node, method):
        yield f".{method}(…)", METHODS[method]
    if called in ("task", "shared_task", "apply_async", "periodic_task"):
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value in (None, False)
            if keyword.arg in ADVICE and not off:
                yield f"{keyword.arg}={ast.unparse(keyword.value)[:60]}", ADVICE[keyword.arg]


def _is_meant(node: ast.Call, method: str) -> bool:
    """``retry`` and ``update_state`` are methods of many things: of a task they are called on ``self``."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return method not in NEEDS_SELF or (isinstance(owner, ast.Name) and owner.id in ("self", "task"))


def _assigned(node: ast.Assign) -> Iterator[tuple[str, str]]:
    for target in node.targets:
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        setting = str(name).lower().removeprefix("celery_")
        if setting in SETTINGS:
            yield f"{name} = …", SETTINGS[setting]


def _keyword(node: ast.keyword) -> Iterator[tuple[str, str]]:
    if node.arg in SETTINGS:
        yield f"{node.arg}=…", SETTINGS[node.arg]


_LOOKS: dict[type, Callable[[Any], Iterator[tuple[str, str]]]] = {
    ast.Call: _call,
    ast.Assign: _assigned,
    ast.keyword: _keyword,
}

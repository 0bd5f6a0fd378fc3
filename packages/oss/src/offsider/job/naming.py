"""The name of a job that was given none: what stands for its function in Redis."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def default_name(fn: Callable[..., Any]) -> str:
    """``module.qualname``. A file that is run as a script is a module to the worker that imports it: by its name.

    Example:
        >>> import textwrap
        >>> default_name(textwrap.dedent)
        'textwrap.dedent'
    """
    module = str(getattr(fn, "__module__", ""))
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        file = getattr(main, "__file__", None)
        if spec is not None:
            module = str(spec.name)
        elif file is not None:
            module = Path(file).stem
    return f"{module}.{getattr(fn, '__qualname__', type(fn).__qualname__)}"

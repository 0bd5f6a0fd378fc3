"""Finds the app that ``MODULE:APP`` means."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, suggest

if TYPE_CHECKING:
    from ..app import App

_EXPECTED = "expected MODULE:APP, e.g. shop.jobs:app"


def find_app(target: str, *, config: str | None = None, **settings: Any) -> App:
    """Import the module and return the app in it.

    Args:
        target: ``package.module:name``; the name is ``app`` when left out.
        config: A settings file, for the apps that the module makes.
        settings: Sections that go over the app's own settings.

    Raises:
        ConfigError: There is no such module, no such name, or it is no app.
    """
    from ..app import App

    module_name, _, name = target.partition(":")
    name = name or "app"
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise ConfigError(f"{target!r} is no module: {_EXPECTED}.{_hint(module_name)}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if config is not None:
        os.environ["OFFSIDER_CONFIG"] = config
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # something that the module itself imports: its traceback says where
        raise ConfigError(
            f"there is no module {error.name!r} (from {target!r}): {_EXPECTED}, and to be started in the folder that"
            f" has it; this is {here}"
        ) from None
    found = getattr(module, name, None)
    if not isinstance(found, App):
        apps = [key for key, value in vars(module).items() if isinstance(value, App)]
        what = f"is a {type(found).__name__}" if found is not None else "does not exist"
        raise ConfigError(
            f"{module_name}:{name} {what}; expected an App.{suggest(name, apps)}"
            f" Apps in {module_name}: {', '.join(apps) or 'none'}"
        )
    found.override(**{section: values for section, values in settings.items() if values})
    return found


def _hint(module: str) -> str:
    """`` Did you mean 'shop.jobs'?`` for a file's path."""
    meant = module.removeprefix("./").removesuffix(".py").replace("/", ".")
    return f" Did you mean {meant!r}?" if meant != module and meant.replace(".", "").isidentifier() else ""

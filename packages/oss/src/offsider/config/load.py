"""Reads settings: keyword over environment over file over default, and remembers which it was."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError, create_model

from ..errors import ConfigError, InvalidSetting, UnknownSetting, suggest
from .model import Settings

PREFIX = "OFFSIDER_"
OTHER_VARIABLES = frozenset({"OFFSIDER_EDITIONS", "OFFSIDER_CONFIG", "OFFSIDER_LICENSE", "OFFSIDER_LICENSE_FILE"})
TESTING_PREFIX = "OFFSIDER_TEST_"
FILES = ("offsider.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each dotted key where its value came from."""

    settings: Any
    sources: Mapping[str, str]

    def explain(self) -> list[tuple[str, Any, str]]:
        """``(key, value, source)`` of every setting, defaults included."""
        return [(key, value, self.sources.get(key, "default")) for key, value in _leaves(self.settings.model_dump())]


def load(
    keywords: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    file: str | Path | None = None,
    sections: Mapping[str, type[BaseModel]] | None = None,
) -> Loaded:
    """Read all sources.

    Args:
        keywords: Nested dicts, as given to `App`.
        env: The environment; the process's own when None.
        file: The file; ``OFFSIDER_CONFIG``, else ``offsider.toml`` or ``pyproject.toml`` here, when None.
        sections: All sections, the core's and those that editions added.

    Raises:
        UnknownSetting: A key or ``OFFSIDER_*`` variable nobody knows; names the nearest.
        InvalidSetting: A value it cannot have; says which source set it.
        ConfigError: The file cannot be read.
    """
    environment = os.environ if env is None else env
    model = _with_sections(sections or {})
    known = dict(_fields(model))
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    path = file or environment.get("OFFSIDER_CONFIG") or None
    for source, found in (
        _from_file(path),
        ("environment", _from_env(environment, known)),
        ("keyword", dict(keywords or {})),
    ):
        _merge(values, found)
        sources.update({key: _where(source, key) for key, _value in _leaves(found)})
    try:
        return Loaded(model.model_validate(values), sources)
    except ValidationError as error:
        raise _explained(error, sources, known, model) from None


def _with_sections(sections: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    added = {name: section for name, section in sections.items() if name not in Settings.model_fields}
    if not added:
        return Settings
    fields: dict[str, Any] = {name: (section, _default(section)) for name, section in added.items()}
    made: type[BaseModel] = create_model("Settings", __base__=Settings, **fields)
    return made


def _default(section: type[BaseModel]) -> Any:
    """A section with a key that must be set has none."""
    required = any(field.is_required() for field in section.model_fields.values())
    return ... if required else Field(default_factory=section)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Every dotted key; True for one that takes a table of its own."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", any(isinstance(one, type) and issubclass(one, BaseModel) for one in get_args(kind))


def _from_file(path: str | Path | None) -> tuple[str, dict[str, Any]]:
    if path is not None:
        return str(path), _read(Path(path))
    for name in FILES:
        if Path(name).is_file():
            found = _read(Path(name))
            if found or name == FILES[0]:
                return name, found
    return "no file", {}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error.strerror}. Check --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not TOML: {error}") from None
    return _project_section(path, found) if path.name == "pyproject.toml" else found


def _project_section(path: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    tools = found.get("tool", {})
    section = tools.get("offsider", {}) if isinstance(tools, dict) else tools
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: tool.offsider is {section!r:.80}; expected a table: [tool.offsider]")
    return section


def _from_env(env: Mapping[str, str], known: Mapping[str, bool]) -> dict[str, Any]:
    variables = {PREFIX + key.upper().replace(".", "_"): key for key, table in known.items() if not table}
    found: dict[str, Any] = {}
    for variable, value in env.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or variable.startswith(TESTING_PREFIX):
            continue
        if variable not in variables:
            raise UnknownSetting(
                f"the environment has {variable}, which is no setting."
                f"{suggest(variable, [*variables, *OTHER_VARIABLES])} Remove it or correct its name"
            )
        *path, last = variables[variable].split(".")
        table = found
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return found


def _merge(into: dict[str, Any], found: Mapping[str, Any]) -> None:
    for key, value in found.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _where(source: str, key: str) -> str:
    return f"environment ({PREFIX}{key.upper().replace('.', '_')})" if source == "environment" else source


def _explained(
    error: ValidationError, sources: Mapping[str, str], known: Mapping[str, bool], model: type[BaseModel]
) -> ConfigError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    source = next((where for one, where in sources.items() if _is_about(one, key)), "default")
    if first["type"] == "extra_forbidden":
        names = [*known, *{part.partition(".")[0] for part in known}]
        return UnknownSetting(
            f"{key!r} (from {source}) is no setting.{suggest(key, names)} Correct its name or remove it"
        )
    value = "not shown" if _is_secret(model, first["loc"]) else f"{first['input']!r:.80}"
    return InvalidSetting(f"{key} is {value} (from {source}): {first['msg']}")


def _is_secret(model: type[BaseModel], path: Sequence[Any]) -> bool:
    """True for a key whose field is declared with ``repr=False``: it may hold a secret, by mistake or by its nature."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            return False
        if not field.repr:
            return True
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return False


def _is_about(source: str, key: str) -> bool:
    """A source sets a key, a part of it, or the list that it is an item of."""
    return source == key or source.startswith(f"{key}.") or key.startswith(f"{source}.")

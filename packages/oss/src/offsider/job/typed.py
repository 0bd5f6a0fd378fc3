"""Values of annotated types, to JSON and back, by pydantic: imported at the first use, plain jobs never pay for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArguments, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

MOST_PROBLEMS = 5  # told in one message


class TypedValues:
    """The parameters of one job whose annotations JSON does not know.

    Strict in both directions: ``"5"`` is not 5, but the text of a date comes back as a date, a list as a tuple.
    Bytes travel as base64, except inside models that say otherwise.
    """

    def __init__(self, job: str) -> None:
        self._job = job
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._as_json: Callable[[Any], bytes]

    def to_json(self, name: str, hint: Any, value: Any, path: str) -> Any:
        """The JSON value for a parameter's value.

        Raises:
            InvalidArguments: It does not fit the annotation, or cannot be written.
        """
        adapter = self._adapters.get(name) or self._adapter(name, hint)
        try:
            checked = adapter.validator.validate_python(value, strict=True)
            return adapter.serializer.to_python(checked, mode="json", warnings="error")
        except ValueError as error:
            raise self._explained(path, error) from None

    def from_json(self, name: str, hint: Any, value: Any, path: str) -> Any:
        """The annotated value from a JSON value.

        Raises:
            InvalidArguments: It does not fit the annotation.
        """
        adapter = self._adapters.get(name) or self._adapter(name, hint)
        try:
            # As JSON, so that strict means what it says above.
            return adapter.validator.validate_json(self._as_json(value), strict=True)
        except ValueError as error:
            raise self._explained(path, error) from None

    def _adapter(self, name: str, hint: Any) -> TypeAdapter[Any]:
        from pydantic_core import to_json

        self._as_json = to_json
        adapter = self._adapters[name] = self._made(name, hint)
        return adapter

    def _made(self, name: str, hint: Any) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, PydanticUserError, TypeAdapter

        try:
            return TypeAdapter(hint, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
        except PydanticUserError as error:
            if error.code != "type-adapter-config-unused":  # a model has a configuration of its own
                raise self._unusable(name, hint, error) from error
        try:
            return TypeAdapter(hint)
        except PydanticUserError as error:
            raise self._unusable(name, hint, error) from error

    def _unusable(self, name: str, hint: Any, error: Exception) -> InvalidArguments:
        why = str(error).splitlines()[0]
        return InvalidArguments(
            f"job {self._job!r}: {name} is annotated with {shown(hint)}, which cannot be written as JSON and restored"
            f" ({why}). Use plain types, dataclasses or pydantic models"
        )

    def _explained(self, path: str, error: ValueError) -> Exception:
        """Ours for what pydantic says; any other error is the annotation's own code's, and stays as it is."""
        from pydantic import ValidationError
        from pydantic_core import PydanticSerializationError

        if isinstance(error, ValidationError):
            return InvalidArguments(self._told(path, error))
        if isinstance(error, (PydanticSerializationError, UnicodeDecodeError)):
            return InvalidArguments(f"job {self._job!r}: {path} cannot be written as JSON: {error}")
        return error

    def _told(self, path: str, error: ValidationError) -> str:
        problems = []
        for one in error.errors(include_url=False)[:MOST_PROBLEMS]:
            where = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"])
            problems.append(f"{where} is {shown(one['input'])}: {one['msg']}")
        return f"job {self._job!r}: " + "; ".join(problems)

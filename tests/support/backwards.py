"""A codec for tests: it writes texts backwards behind a mark, needs a key to read them, and remembers nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from offsider import App, OptionSpec
from offsider.contract.codec import Codec
from offsider.contract.edition import Edition
from offsider.contract.work import Hold
from offsider.errors import Malformed
from offsider.job.sealing import FIELD, mark

MARK = "backwards:"


class Backwards(Codec):
    """Seals the arguments of jobs with the option ``backwards``; reads nothing while it has no key."""

    fields: ClassVar[frozenset[str]] = frozenset({"backwards"})

    def __init__(self) -> None:
        self.has_key = True

    def seal(self, request: Any) -> None:
        """All positional arguments."""
        if request.record.pop("backwards"):
            request.record["args"] = [_turned(one) for one in request.record["args"]]
            mark(request.record, "args")

    def open(self, record: Any, job: Any) -> tuple[list[Any], dict[str, Any]]:
        """The arguments again."""
        if FIELD not in record:
            raise Hold(f"the arguments of {job.name} are plain", delay_s=60)
        return [self._back(one) for one in record["args"]], {}

    def seal_fields(self, record: Any, names: Sequence[str], *, jid: str, of: str) -> None:
        """Errors and results."""
        for name in names:
            if name in record and not (record.get(FIELD) or {}).get(name):
                record[name] = _turned(record[name])
                mark(record, name)

    def open_fields(self, record: Any, *, jid: str, of: str) -> Any:
        """Errors and results again."""
        sealed = record[FIELD]
        mine = sealed.keys() - {"args"}
        return {name: self._back(one) if name in mine else one for name, one in record.items() if name != FIELD}

    def _back(self, text: Any) -> Any:
        if not self.has_key:
            raise Hold("the key is not here", delay_s=30)
        if not isinstance(text, str) or not text.startswith(MARK):
            raise Malformed("it was not written backwards")
        return json.loads(text.removeprefix(MARK)[::-1])


class Turning(Edition):
    """Brings the codec in."""

    name = "turning"

    def __init__(self) -> None:
        self.codec = Backwards()

    def install(self, app: App) -> None:
        """The option and the codec."""
        app.job_options.add("backwards", OptionSpec("backwards", self.name, bool), by=self.name)
        app.codec.fill(self.codec, by=self.name)


def _turned(value: Any) -> str:
    return MARK + json.dumps(value)[::-1]

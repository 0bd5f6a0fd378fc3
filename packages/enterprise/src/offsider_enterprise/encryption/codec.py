"""Seals and opens jobs: what fills the slot ``codec``. Knows where each value lies; the token does the rest.

``sealed`` in a record says where tokens are: ``args`` is true when the whole call is one token, or a list of places;
``kwargs`` is a list of keywords; fields that a worker has written are true.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from offsider.contract.codec import Codec
from offsider.contract.work import Hold
from offsider.errors import ConfigError, OffsiderError
from offsider.job.sealing import FIELD as SEALED
from offsider.job.sealing import mark

from .option import EDITION, FIELD, declared, names_of, of_call
from .settings import EncryptionSettings, ring_of
from .token import Place, Refused, open_token, parse, seal

if TYPE_CHECKING:
    from offsider.job.define import Job
    from offsider.job.push import PushRequest
    from offsider.job.record import Record

    from .ring import Fetch, KeyRing

log = logging.getLogger("offsider.enterprise")

WHOLE = "arguments"
FIRST_S, LONGEST_S = 15.0, 300.0

Call = tuple[list[Any], dict[str, Any]]


class PlainArguments(Hold):
    """Arguments are plain that the code says are encrypted: the job waits, and uses no attempt."""


class EncryptionCodec(Codec):
    """The codec of one app.

    Args:
        settings: Gives the settings; asked when they are needed, since they are read after this is made.
        namespace: Gives the app's namespace.
        fetch: Gives keys by their names; None for those of the settings.
        alarm: Is told the name of a key that is missing, once.
    """

    fields: ClassVar[frozenset[str]] = frozenset({FIELD})

    def __init__(
        self,
        settings: Callable[[], EncryptionSettings],
        namespace: Callable[[], str],
        *,
        fetch: Fetch | None = None,
        alarm: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._namespace = namespace
        self._fetch = fetch
        self._alarm = alarm
        self._ring: KeyRing | None = None
        self._lock = threading.Lock()
        self._names: dict[tuple[str, str], frozenset[str] | None] = {}

    @property
    def ring(self) -> KeyRing:
        """The keys; read at the first use.

        Raises:
            InvalidSetting: There is none, or one is not where it should be.
        """
        ring = self._ring
        if ring is None:
            with self._lock:
                ring = self._ring or ring_of(self._settings(), self._fetch, alarm=self._alarm)
                self._ring = ring
        return ring

    def check(self, jobs: Sequence[Job[..., Any]]) -> None:
        """Before the first job is taken: the keys are there, and the names that jobs give are names of arguments.

        Raises:
            InvalidSetting: There is no key, or one is not where it should be.
            InvalidOption: A name is none of its job's.
        """
        secret = [job for job in jobs if job.secret]
        if secret or self.is_configured:
            _ = self.ring
        for job in secret:
            names_of(declared(job), job)

    @property
    def is_configured(self) -> bool:
        """True when somebody has named keys."""
        return self._fetch is not None or bool(self._settings().keys)

    def told(self) -> str:
        """The keys that are known here, for the process list: ``name:fingerprint`` each, the active one first."""
        ring = self._ring
        if ring is None:
            return ""
        others = [key for key in ring.keys if key is not ring.active]
        return ",".join(f"{key.id}:{key.fingerprint.hex()}" for key in (ring.active, *others))

    def keyed_digest(self, data: bytes) -> str:
        """A hash of plain arguments that says nothing about them to who has no key; 64 hex letters."""
        return self.ring.digest(data)

    # -- at the caller -----------------------------------------------------------------------------------------

    def seal(self, request: PushRequest) -> None:
        """Encrypt what the option says; the job needs this edition from now on."""
        record, job = request.record, request.job
        names = self._wanted(record.pop(FIELD), job)
        if names is None or names:
            self.seal_call(record, job, names)

    def seal_call(self, record: Record, job: Job[..., Any], names: frozenset[str] | None) -> None:
        """Encrypt plain arguments of a record.

        Args:
            record: Is changed.
            job: Its job.
            names: Of parameters; None for all.
        """
        if names is None:
            call = [record["args"], record.pop("kwargs", None) or {}]
            record["args"] = [seal(call, self.ring.active, self.place_of(record, WHOLE))]
            mark(record, "args")
        else:
            args, kwargs = list(record["args"]), dict(record.get("kwargs") or {})
            self.seal_places(
                record, args, kwargs, [at for at, name in job.arguments.named(args, kwargs) if name in names]
            )
        needs = record.get("needs") or []
        record["needs"] = needs if EDITION in needs else [*needs, EDITION]

    def seal_places(self, record: Record, args: list[Any], kwargs: dict[str, Any], places: Sequence[int | str]) -> None:
        """Encrypt some of the arguments.

        Args:
            record: Is changed.
            args, kwargs: All of them, plain; they are changed, too.
            places: Which ones: numbers and keywords.
        """
        key = self.ring.active
        for at in places:
            values: Any = args if isinstance(at, int) else kwargs
            values[at] = seal(values[at], key, self.place_of(record, part_of(at)))
        record["args"] = args
        mark(record, "args", [at for at in places if isinstance(at, int)])
        if kwargs:
            record["kwargs"] = kwargs
            mark(record, "kwargs", [at for at in places if isinstance(at, str)])

    def hides(self, job: Job[..., Any], name: str) -> bool:
        """True when an argument is encrypted, by what the code says."""
        option = declared(job)
        return option is True or name in (option or ())

    # -- at the worker -------------------------------------------------------------------------------------------

    def open(self, record: Record, job: Job[..., Any]) -> Call:
        """The plain arguments of a record.

        Raises:
            Hold: A key is missing here, or what should be encrypted never was.
            Refused: Something was put there that was not written for this place.
        """
        option = declared(job)
        try:
            args, kwargs = self.open_call(record)
            if option and not self._settings().accept_plaintext:
                self._check_sealed(record, job, names_of(option, job), args, kwargs)
        except Hold as held:
            held.delay_s = _patient_s(record)
            raise
        return args, kwargs

    def open_call(self, record: Record) -> Call:
        """The arguments of a record as its field ``sealed`` says, whatever the code says; raises like `open`."""
        sealed = record.get(SEALED) or {}
        args, kwargs = record["args"], record.get("kwargs") or {}
        if sealed.get("args") is True:
            return self._open_whole(record, args, kwargs)
        args, kwargs = list(args), dict(kwargs)
        for at in sealed_places(record):
            values: Any = args if isinstance(at, int) else kwargs
            if not (0 <= at < len(args) if isinstance(at, int) else at in kwargs):
                raise Refused(
                    f"its {part_of(at)} is encrypted, as it says, and is not there: somebody has taken it out"
                )
            values[at] = self._opened(values[at], self.place_of(record, part_of(at)))
        return args, kwargs

    def _open_whole(self, record: Record, args: list[Any], kwargs: dict[str, Any]) -> Call:
        if len(args) != 1 or kwargs:
            raise Refused(
                f"all its arguments are encrypted, as it says, and it has {len(args)} and {len(kwargs)}: expected one"
            )
        call = self._opened(args[0], self.place_of(record, WHOLE))
        return call[0], call[1]

    def _check_sealed(
        self, record: Record, job: Job[..., Any], names: frozenset[str] | None, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        """Refuse arguments that the code says are encrypted and that were plain in Redis."""
        sealed = record.get(SEALED) or {}
        if sealed.get("args") is True:
            return
        hidden = {*(sealed.get("args") or ()), *(sealed.get("kwargs") or ())}
        for at, name in job.arguments.named(args, kwargs):
            if (names is None or name in names) and at not in hidden:
                raise PlainArguments(
                    f"its {part_of(at)} is plain, and the code says that it is encrypted: it was enqueued before that,"
                    " or by somebody else. `offsider encryption rotate --seal-plaintext` encrypts such jobs",
                    delay_s=FIRST_S,
                )

    def place_of(self, record: Record, part: str) -> Place:
        """What a value of a job belongs to."""
        return Place(self._namespace(), str(record["jid"]), str(record["class"]), part)

    # -- what a worker writes --------------------------------------------------------------------------------------

    def seal_fields(self, record: Record, names: Sequence[str], *, jid: str, of: str) -> None:
        """Encrypt the error of a failure, or a result. An error that cannot be is not kept.

        Raises:
            NotJson: A result that JSON cannot carry.
        """
        sealed = record.get(SEALED) or {}
        for name in names:
            if name not in record or sealed.get(name):
                continue
            try:
                key = self.ring.active
            except OffsiderError as error:
                log.error("%s of job %s is not kept, it could not be encrypted: %s", name, jid, error)
                record[name] = None
                continue
            record[name] = seal(record[name], key, Place(self._namespace(), jid, str(record["class"]), f"{of} {name}"))
            mark(record, name)

    def open_fields(self, record: Record, *, jid: str, of: str) -> Record:
        """A copy of a record with those fields plain.

        Raises:
            Hold: A key is missing here.
            Refused: Something was put there that was not written for this place.
        """
        opened = dict(record)
        for name in record.get(SEALED) or {}:
            if name in record and name not in ("args", "kwargs"):
                place = Place(self._namespace(), jid, str(record["class"]), f"{of} {name}")
                opened[name] = self._opened(record[name], place)
        del opened[SEALED]
        return opened

    # -- steps -----------------------------------------------------------------------------------------------------

    def _opened(self, text: Any, place: Place) -> Any:
        token = parse(text, place.part)
        try:
            ring = self.ring
        except ConfigError as error:
            raise Hold(f"it is encrypted, and this process has no keys: {error}", delay_s=FIRST_S) from None
        return open_token(token, ring.find(token), place)

    def _wanted(self, option: Any, job: Job[..., Any]) -> frozenset[str] | None:
        """`of_call`, remembered: it is asked at every push."""
        asked = (job.name, str(option))
        if asked not in self._names:
            self._names[asked] = of_call(option, job)
        return self._names[asked]


def _patient_s(record: Record) -> float:
    """How long to hold a job: a quarter of a minute, doubling to five; many may wait for one key."""
    note = record.get("put_back") or {}
    count = note.get("count") if note.get("held") else 0
    return float(min(FIRST_S * 2 ** min(count, 10), LONGEST_S)) if type(count) is int and count >= 0 else LONGEST_S


def part_of(at: int | str) -> str:
    """What an argument is called, by its number or keyword."""
    return f"positional argument {at}" if isinstance(at, int) else f"keyword argument {at}"


def sealed_places(record: Record) -> list[Any]:
    """Numbers and keywords of the arguments that are encrypted one by one.

    Raises:
        Refused: The record does not say it as it was written.
    """
    sealed = record.get(SEALED) or {}
    return [*_places(sealed.get("args"), int), *_places(sealed.get("kwargs"), str)]


def _places(named: Any, kind: type) -> list[Any]:
    if named is None:
        return []
    if isinstance(named, list) and all(type(one) is kind for one in named) and len({*named}) == len(named):
        return named
    raise Refused("what its field 'sealed' says is not what was written there: somebody has changed it")

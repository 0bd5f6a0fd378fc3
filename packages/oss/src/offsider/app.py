"""The user's one object: settings, jobs, seams, and the way to Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from . import editions as edition_loader
from .api.doctor import CORE as CORE_CHECKS
from .api.fsck import CORE as CORE_INVARIANTS
from .api.manage import Management
from .api.why import CORE as CORE_REASONS
from .api.why import Reason
from .client.acceptance import Acceptance
from .client.carried import CarriedContext
from .client.keeping import KeepingClient
from .client.push import Client
from .client.sharded import ShardedClient
from .config.load import load
from .config.model import CORE as CORE_SECTIONS
from .contract.codec import Codec
from .contract.edition import Edition
from .contract.effects import Effect
from .contract.findings import Check, Invariant
from .contract.middleware import ClientMiddleware, ServerMiddleware
from .contract.seams import Chain, Events, Registry, Slot
from .contract.undelivered import MakeKeeper, nobody
from .dispatch import Dispatch
from .errors import DuplicateJob, InvalidSetting, shown
from .job.define import Job
from .job.naming import default_name
from .job.options import CORE as CORE_OPTIONS
from .job.options import JobOptions, OptionSpec, resolve
from .job.push import Deferral, Pusher
from .job.resumable import JobMaker, ResumableJob, Steps
from .job.signature import takes_cursor
from .measured import Measured
from .pages import Pages
from .shards import Sharding
from .store.composer import Composer
from .store.connection import Connections
from .store.keys import Keys
from .store.scripts import Script, all_scripts

if TYPE_CHECKING:
    from datetime import timedelta

    from .config.model import Settings
    from .contract.work import Service
    from .job.options import Retry
    from .store.embedded import EmbeddedServer
    from .worker.worker import Worker

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")


class App(Management, Measured, Sharding, Pages):
    """An application's jobs and its connection to Redis.

    Making an app neither connects nor starts anything; the first enqueue does. Settings come from keywords, then
    ``OFFSIDER_*`` variables, then ``offsider.toml`` (or ``[tool.offsider]`` in ``pyproject.toml``), then defaults.

    Args:
        url: Where Redis is, e.g. ``"redis://localhost:6379/0"``. Without any URL an embedded server is started.
        namespace: Prefix of all keys; ``""`` is Sidekiq's own layout.
        editions: The editions to install: None for all that are installed in this environment, ``[]`` for none.
        config: A file to read the settings from instead of looking for one.
        settings: Any section of the settings, e.g. ``worker={"concurrency": 20}``.

    Raises:
        ConfigError: A setting is unknown or not valid.
        EditionError: An edition does not fit.

    Example:
        >>> app = App("redis://localhost:6379/0", editions=[])
        >>> @app.job
        ... def add(a: int, b: int) -> int:
        ...     return a + b
        >>> add(1, 2)
        3
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        namespace: str | None = None,
        editions: Sequence[Edition] | None = None,
        config: str | Path | None = None,
        **settings: Any,
    ) -> None:
        self.job_options: Registry[OptionSpec] = Registry("job_options")
        self.config_sections: Registry[Any] = Registry("config_sections")
        self.scripts: Registry[Script] = Registry("scripts")
        self.effects: Registry[Effect] = Registry("effects")
        self.client_middleware: Chain[ClientMiddleware] = Chain("client_middleware")
        self.server_middleware: Chain[ServerMiddleware] = Chain("server_middleware")
        self.context = CarriedContext(self.client_middleware, self.server_middleware)
        self.deferrals: Registry[Deferral] = Registry("deferrals")
        self.undelivered: Slot[MakeKeeper] = Slot("undelivered", default=nobody, default_by="offsider")
        self.codec: Slot[Codec] = Slot("codec", default=Codec(), default_by="offsider")
        self.reasons: Registry[Reason] = Registry("reasons")
        self.checks: Registry[Check] = Registry("checks")
        self.invariants: Registry[Invariant] = Registry("invariants")
        self.services: Registry[Callable[[Worker], Service]] = Registry("services")
        self.events = Events()
        self.jobs: dict[str, Job[..., Any]] = {}
        self.editions = edition_loader.load(editions)
        self._keywords = _keywords(url, namespace, settings)
        self._config = config
        self._install()
        self._load()
        self._only: dict[str, Any] = {}  # of threads that make one at the same time all use the same
        self._connections: Connections | None = None
        self._client: Client | ShardedClient | None = None
        self._server: EmbeddedServer | None = None
        self._dispatch = Dispatch(self)
        self._diverted: Pusher | None = None

    def _install(self) -> None:
        """The core registers as an edition does, and first."""
        for spec in CORE_OPTIONS:
            self.job_options.add(spec.name, spec, by="core")
        for name, section in CORE_SECTIONS.items():
            self.config_sections.add(name, section, by="core")
        for script in all_scripts():
            self.scripts.add(script.name, script, by="core")
        for name, reason in CORE_REASONS.items():
            self.reasons.add(name, reason, by="core")
        for name, check in CORE_CHECKS.items():
            self.checks.add(name, check, by="core")
        for name, invariant in CORE_INVARIANTS.items():
            self.invariants.add(name, invariant, by="core")
        for edition in self.editions:
            edition.install(self)
        self.job_options.close()
        self.config_sections.close()
        self.scripts.close()
        self.effects.close()
        self.codec.close()
        self.reasons.close()
        self.invariants.close()
        self._specs = dict(self.job_options.items())

    def override(self, **settings: Any) -> None:
        """Put settings over the app's own, before it connects: what the command line says."""
        for section, values in settings.items():
            mine = self._keywords.get(section)
            self._keywords[section] = {**mine, **values} if isinstance(mine, dict) else values
        self._load()

    def _load(self) -> None:
        self.loaded = load(self._keywords, file=self._config, sections=dict(self.config_sections.items()))
        self.settings: Settings = self.loaded.settings
        self.keys = Keys(self.settings.namespace)

    # -- jobs --------------------------------------------------------------------------------------------

    @overload
    def job(self, fn: Callable[Concatenate[C, P], Steps], /) -> ResumableJob[C, P, Steps]: ...

    @overload
    def job(self, fn: Callable[P, R], /) -> Job[P, R]: ...

    @overload
    def job(
        self,
        /,
        *,
        name: str | None = None,
        queue: str = ...,
        retry: Retry | int | bool = ...,
        timeout: float | timedelta | None = ...,
        max_run_s: float | timedelta | None = ...,
        result_ttl: float | timedelta | None = ...,
        tags: Sequence[str] = ...,
        display_name: str | None = ...,
        dead: bool = ...,
        backtrace: bool | int = ...,
        log_level: str | None = ...,
        transaction: bool = ...,
        shard: str | None = ...,
        on_exhausted: Callable[[dict[str, Any], BaseException], object] | None = ...,
        **edition_options: Any,
    ) -> JobMaker: ...

    def job(self, fn: Callable[..., Any] | None = None, /, *, name: str | None = None, **options: Any) -> Any:
        """Make a function a job.

        Args:
            fn: The function, ``def`` or ``async def``; a generator with a first parameter ``cursor`` is resumable.
            name: The name on the wire; ``module.qualname`` when None. Keep it when you move the function.
            options: Job options: ``queue``, ``retry``, ``timeout`` (s), ``tags`` … and those of editions.

        Raises:
            UnknownOption: An option nobody registered; the message names the nearest.
            InvalidOption: A value an option cannot have.
            DuplicateJob: Another function has the name.
        """

        def make(function: Callable[..., Any]) -> Job[..., Any]:
            return self._add(function, name, options)

        return make if fn is None else make(fn)

    def _add(self, fn: Callable[..., Any], name: str | None, given: Mapping[str, Any]) -> Job[..., Any]:
        wire_name = name or default_name(fn)
        if wire_name in self.jobs and self.jobs[wire_name].fn.__code__ is not getattr(fn, "__code__", None):
            other = self.jobs[wire_name].fn
            raise DuplicateJob(
                f"job {wire_name!r} is defined twice: in {other.__module__} ({other.__code__.co_filename}, line"
                f" {other.__code__.co_firstlineno}) and in {fn.__module__}. Give one of them another name="
            )
        options = self._resolve(wire_name, given)
        kind = ResumableJob if takes_cursor(fn) else Job
        made: Job[..., Any] = kind(wire_name, fn, options, pusher=self._pusher, resolve=self._resolve_over)
        made.use(self.codec.value)
        self.jobs[wire_name] = made
        return made

    def _resolve(self, job: str, given: Mapping[str, Any]) -> JobOptions:
        return self._resolve_over(None, given, job)

    def _resolve_over(self, options: JobOptions | None, given: Mapping[str, Any], job: str) -> JobOptions:
        resolved = resolve(options, given, self._specs, job=job)
        self.check_shard(resolved.shard)
        return resolved

    # -- listeners and middleware ------------------------------------------------------------------------

    def on(self, event: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Call a function at an event: ``startup``, ``quiet``, ``shutdown``, ``exit``, ``death``, ``error`` …

        Example:
            >>> app = App(editions=[])
            >>> @app.on("death")
            ... def alarm(record, error):
            ...     print(record["class"], error)
        """

        def add(listener: Callable[P, R]) -> Callable[P, R]:
            self.events.on(event, listener, by=listener.__module__)
            return listener

        return add

    # -- Redis -------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where Redis is; starts the embedded server when no URL is set."""
        return self.settings.redis.url or self._embedded_url()

    def _embedded_url(self) -> str:
        if self._server is None:
            from .store.embedded import ensure

            self._server = ensure(self.settings.redis.data_dir)
        return self._server.url

    @property
    def connections(self) -> Connections:
        """The ways to Redis of this process."""
        if self._connections is None:
            self._connections = self._only.setdefault("connections", self.connect(self.settings))
        return self._connections

    @property
    def is_connected(self) -> bool:
        """True once it has been asked for the way to Redis."""
        return self._connections is not None or self._client is not None

    def connect(self, settings: Settings) -> Connections:
        """The ways to the Redis of these settings: the app's own, or a shard's."""
        redis = settings.redis
        return Connections(
            redis.url or self._embedded_url(),
            namespace=settings.namespace,
            connect_timeout_s=redis.connect_timeout_s,
            revive=None if redis.url else self._revive,
        )

    def _revive(self) -> None:
        """The embedded server ends with the process that started it: whoever still needs it starts it again."""
        from .store.embedded import ensure

        revived = ensure(self.settings.redis.data_dir)
        if revived.started:
            self._server = revived

    @cached_property
    def accept(self) -> Acceptance:
        """The client middleware; no more can be added from here on."""
        return Acceptance(self.client_middleware.compile(), self.codec.value)

    @cached_property
    def deferring(self) -> tuple[Deferral, ...]:
        """Who may take a push over until a commit; no more can be added from here on."""
        self.deferrals.close()
        return tuple(deferral for _name, deferral in self.deferrals.items())

    @property
    def client(self) -> Client | ShardedClient:
        """The push side."""
        if self._client is None:
            made = self.sharded_client() if self.settings.shards else self.push_side(self.connections, self.keys)
            self._client = self._only.setdefault("client", made)
        return self._client

    def push_side(self, connections: Connections, keys: Keys) -> Client:
        """The push side of one Redis: the app's own, or a shard's."""
        deadline_s = self.settings.redis.push_deadline_s
        given = (connections, keys, self.accept, self.scripts["push"], Composer(self.effects, keys))
        self.undelivered.close()
        keeper = self.undelivered.value(self, connections, keys)
        if keeper is None:
            return Client(*given, push_deadline_s=deadline_s)
        return KeepingClient(keeper, *given, push_deadline_s=deadline_s)

    def close(self) -> None:
        """Drop the connections and the embedded server; the next use opens them again."""
        if self._client is not None:
            self._client.close()
        self.leave_desk()
        self.leave_shards()
        if self._connections is not None:
            self._connections.close()
        if self._server is not None:
            self._server.close()
        self._only.clear()
        self._client = self._connections = self._server = None

    async def aclose(self) -> None:
        """`close`, and the connections of the running event loop."""
        await self.leave_loop()
        self.close()

    async def leave_loop(self) -> None:
        """Drop the connections of the running event loop, which is about to end."""
        if self._client is not None:
            await self._client.aclose()

    # -- where pushes go -----------------------------------------------------------------------------------

    @property
    def pusher(self) -> Pusher:
        """What jobs push with: the way to Redis, or what it is diverted to."""
        return self._diverted or self._dispatch

    @contextmanager
    def divert(self, wrap: Callable[[Pusher], Pusher]) -> Iterator[Pusher]:
        """Send every push of this app, from all threads and tasks, through another pusher: what tests do.

        Args:
            wrap: Is given the pusher so far, and returns the one to use.

        Example:
            >>> app = App(editions=[])
            >>> with app.divert(lambda pusher: pusher) as pusher:
            ...     app.pusher is pusher
            True
        """
        before = self._diverted
        self._diverted = wrap(self.pusher)
        try:
            yield self._diverted
        finally:
            self._diverted = before

    def _pusher(self) -> Pusher:
        return self._diverted or self._dispatch


def _keywords(url: str | None, namespace: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    keywords = dict(settings)
    redis = keywords.get("redis", {})
    if url is not None and not isinstance(redis, Mapping):
        raise InvalidSetting(f"redis is {shown(redis)}: expected a table, e.g. redis={{'push_deadline_s': 5}}")
    if url is not None:
        keywords["redis"] = {**redis, "url": url}
    if namespace is not None:
        keywords["namespace"] = namespace
    return keywords

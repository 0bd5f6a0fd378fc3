"""The Redises of an app: its own, and those of its shards. `App` inherits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .api.manage import Management
from .client.push import Client
from .client.routes import Routes
from .client.sharded import ShardedClient
from .errors import ConfigError, InvalidOption, shown, suggest
from .measured import Measured
from .store.connection import Connections
from .store.keys import Keys

if TYPE_CHECKING:
    from .app import App
    from .client.acceptance import Acceptance
    from .config.model import Settings
    from .job.push import PushRequest


class Shard(Management, Measured):
    """One Redis of an app, to look and act by hand: all that `App` offers for that, from `queues` to `metrics`.

    Attributes:
        app: Whose.
        name: As in the settings.
        settings: The app's, with the URL and the namespace of this shard.
    """

    def __init__(self, app: App, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self.scripts, self.events, self.jobs, self.loaded = app.scripts, app.events, app.jobs, app.loaded
        self.effects, self.reasons, self.checks, self.invariants = app.effects, app.reasons, app.checks, app.invariants
        self.app = app
        self._ways: list[Connections] = []

    def __repr__(self) -> str:
        return f"<Shard {self.name}>"

    @property
    def connections(self) -> Connections:
        """The ways to its Redis."""
        if not self._ways:
            self._ways.append(self.app.connect(self.settings))
        return self._ways[0]  # of threads that make them at the same time all use the first

    def close(self) -> None:
        """Drop its connections; the next use opens them again."""
        self.leave_desk()
        ways, self._ways = self._ways, []
        for connections in ways:
            connections.close()


class Sharding:
    """What an app knows of its shards.

    A push goes where it goes in every process: to what the call says, or the queue's name, or the app's own Redis. A
    process works for one shard: `serve`.
    """

    if TYPE_CHECKING:
        settings: Settings

        @property
        def accept(self) -> Acceptance:
            """The client middleware."""

        @property
        def client(self) -> Client | ShardedClient:
            """The push side."""

        def connect(self, settings: Settings) -> Connections:
            """The ways to a Redis."""

        def push_side(self, connections: Connections, keys: Keys) -> Client:
            """The push side of one Redis."""

        def override(self, **settings: Any) -> None:
            """Put settings over the app's own."""

    _home: Settings | None = None

    @property
    def home(self) -> Settings:
        """The app's own settings, also while it serves a shard."""
        return self._home or self.settings

    _shards: dict[str, Shard] | None = None
    _routes: Routes | None = None

    def shard(self, name: str) -> Shard:
        """One of the settings' shards, to look and act by hand.

        Raises:
            ConfigError: There is none of that name.

        Example:
            >>> from offsider import App
            >>> app = App(editions=[], shards={"eu": {"namespace": "shop-eu"}})
            >>> app.shard("eu").settings.namespace
            'shop-eu'
        """
        if self._shards is None:
            self._shards = {}
        if name not in self._shards:
            self._shards.setdefault(name, Shard(_app(self), name, self._settings_of(name)))
        return self._shards[name]

    def serve(self, shard: str) -> None:
        """Make this process one of a shard: its worker and all that is looked at and acted on are the shard's.

        Pushes go on to go where they go elsewhere. Call it before the app connects; ``offsider worker --shard`` does.

        Raises:
            ConfigError: There is no such shard, or the app is connected already.
        """
        if _app(self).is_connected:
            raise ConfigError(f"app.serve({shard!r}) comes too late: the app is connected. Call it right after App(…)")
        its = self._settings_of(shard)
        self._home = self._home or self.settings
        redis = {"url": its.redis.url} if its.redis.url else {}
        self.override(redis=redis, namespace=its.namespace)

    def check_shard(self, name: str | None) -> None:
        """Refuse a name that is none of the settings'.

        Raises:
            InvalidOption: It is none.
        """
        if name is not None and name not in self.settings.shards:
            raise InvalidOption(f"shard is {shown(name)}: {self._expected(name)}")

    def leave_shards(self) -> None:
        """Drop the connections to all of them."""
        shards, self._shards = self._shards, None
        for shard in (shards or {}).values():
            shard.close()

    def sharded_client(self) -> ShardedClient:
        """The push side of all of them."""
        return ShardedClient(self.accept, self.place_of, self._client_of)

    def place_of(self, request: PushRequest) -> str | None:
        """The shard that a request goes to; None: the app's own Redis. Connects to none."""
        if request.shard is not None or not self.settings.shards:
            return request.shard
        if self._routes is None:
            self._routes = Routes({name: shard.queues for name, shard in self.settings.shards.items()})
        return self._routes(request.record["queue"])

    def client_at(self, shard: str | None) -> Client:
        """The push side of one place: what it is given goes there.

        Raises:
            InvalidOption: There is no such shard.
        """
        client = self.client
        return client.at(shard) if isinstance(client, ShardedClient) else client

    def _client_of(self, name: str | None) -> Client:
        if name is None:
            home = self._home or self.settings
            return self.push_side(self.connect(home), Keys(home.namespace))
        self.check_shard(name)
        shard = self.shard(name)
        return self.push_side(shard.connections, shard.keys)

    def _settings_of(self, name: str) -> Settings:
        shard = self.settings.shards.get(name)
        if shard is None:
            raise ConfigError(f"there is no shard {shown(name)}: {self._expected(name)}")
        home = self._home or self.settings
        redis = home.redis.model_copy(update={"url": shard.url or home.redis.url})
        namespace = home.namespace if shard.namespace is None else shard.namespace
        return home.model_copy(update={"redis": redis, "namespace": namespace})

    def _expected(self, name: object) -> str:
        known = ", ".join(self.settings.shards) or "none: add a table [shards.NAME] to the settings"
        hint = suggest(name, self.settings.shards) if isinstance(name, str) else ""
        return f"expected one of the settings' shards ({known}).{hint}"


def _app(of: Any) -> App:
    app: App = of
    return app

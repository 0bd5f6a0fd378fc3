"""An edition is one class with four doors; the core comes in through the same seams, and each closes in its time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import click
import pytest
import redis

from offsider import App, OptionSpec
from offsider.cli import main as command_line
from offsider.cli.main import Cli
from offsider.config.model import CORE as CORE_SECTIONS
from offsider.config.model import Section
from offsider.contract import SEAMS, VERSION
from offsider.contract.edition import Edition
from offsider.contract.middleware import ClientMiddleware, ServerMiddleware
from offsider.errors import DuplicateName, SeamClosed
from offsider.job.options import CORE as CORE_OPTIONS
from offsider.store.scripts import Script
from offsider.worker.worker import Worker

Make = Callable[..., App]
Start = Callable[..., Worker]


class Doors(Edition):
    """Notes which door was opened, and keeps what it got there."""

    name = "doors"

    def __init__(self) -> None:
        self.opened: list[tuple[str, Any]] = []

    def install(self, app: App) -> None:
        self.opened.append(("app", app))

    def install_worker(self, worker: Worker) -> None:
        self.opened.append(("worker", worker))

    def install_cli(self, cli: Any) -> None:
        self.opened.append(("cli", cli))


class Nothing:
    """A service that does nothing."""

    def start(self) -> None:
        """Does nothing."""

    def stop(self, timeout_s: float = 5.0) -> None:
        """Does nothing."""


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs ``offsider --version`` on a machine with these editions."""

    def run(*editions: Edition) -> None:
        monkeypatch.setattr(command_line, "load", lambda _none: list(editions))
        monkeypatch.setattr(sys, "argv", ["offsider", "--version"])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == 0

    return run


# -- the doors -------------------------------------------------------------------------------------------------------


def test_an_edition_that_defines_nothing_changes_nothing(make_app: Make, run_cli: Callable[..., None]) -> None:
    app = make_app(editions=[Edition()])
    assert [one.name for one in app.editions] == [""]
    assert Edition.contract == VERSION
    assert Edition.needs == ()
    Worker(app)
    run_cli(Edition())
    Edition().install_web(object())


def test_each_door_is_opened_by_the_room_it_leads_to_and_by_no_other(
    make_app: Make, run_cli: Callable[..., None]
) -> None:
    doors = Doors()
    app = make_app(editions=[doors])

    @app.job(name="nothing")
    def nothing() -> None:
        """Enqueued only."""

    nothing.enqueue()
    assert doors.opened == [("app", app)]
    worker = Worker(app)
    assert doors.opened[1:] == [("worker", worker)]
    run_cli(doors)
    assert [name for name, _what in doors.opened] == ["app", "worker", "cli"]
    assert isinstance(doors.opened[2][1], Cli)


def test_editions_come_in_one_after_the_other_and_after_the_core(make_app: Make) -> None:
    seen: list[tuple[str, bool]] = []

    class First(Edition):
        """By name the later one."""

        name = "zulu"

        def install(self, app: App) -> None:
            seen.append(
                (self.name, "queue" in app.job_options and "push" in app.scripts and "redis" in app.config_sections)
            )

    class Second(First):
        """By name the earlier one, but it needs the other."""

        name = "alpha"
        needs = ("zulu",)

    make_app(editions=[Second(), First()])
    assert seen == [("zulu", True), ("alpha", True)]


# -- the core uses its own seams -------------------------------------------------------------------------------------


def every_room(app: App) -> tuple[Any, ...]:
    """Each that has seams."""
    pytest.importorskip("starlette")
    pytest.importorskip("jinja2")
    from offsider.web.web import Web

    return (app, Worker(app), Web(app), Cli())


def test_every_seam_of_the_list_is_there_with_its_shape(app: App) -> None:
    rooms = every_room(app)
    for name, shape in SEAMS:
        found = [getattr(room, name) for room in rooms if hasattr(room, name)]
        assert [type(one).__name__ for one in found] == [shape] * len(found)
        assert found, f"no room has {name}"
        assert {one.name for one in found} == {name}


def test_every_seam_there_is_stands_in_the_list(app: App) -> None:
    shapes = {"Slot", "Chain", "Registry", "Events"}
    found = {
        value.name
        for room in every_room(app)
        for value in vars(room).values()
        if type(value).__name__ in shapes and type(value).__module__ == "offsider.contract.seams"
    }
    assert found == {name for name, _shape in SEAMS}


@pytest.mark.alone
def test_the_core_has_registered_its_options_sections_and_scripts(app: App) -> None:
    options, sections = dict(app.job_options.items()), dict(app.config_sections.items())
    scripts = {one.name.removesuffix(".lua") for one in (files("offsider.store") / "lua").iterdir()}
    assert options == {spec.name: spec for spec in CORE_OPTIONS}
    assert sections == CORE_SECTIONS
    assert {name for name, _script in app.scripts.items()} == scripts
    assert len(scripts) >= 9
    for registry in (app.job_options, app.config_sections, app.scripts):
        owners = {registry.owner(name) for name, _thing in registry.items()}
        assert owners == {"core"}


@pytest.mark.alone
def test_the_core_has_registered_what_a_worker_is_made_of(app: App) -> None:
    worker = Worker(app)
    assert worker.fetcher.by == worker.scheduler.by == "offsider"
    assert {"heartbeat", "scheduler", "recovery", "stall watch"} <= {name for name, _one in worker.services.items()}
    assert {worker.services.owner(name) for name, _one in worker.services.items()} == {"offsider"}
    assert worker.heartbeat_fields.owner("rss") == "offsider"
    assert worker.sinks.owner("redis") == "offsider"


def test_the_core_has_registered_its_commands_and_how_a_process_runs() -> None:
    cli = Cli()
    names = {name for name, _command in cli.commands.items()}
    assert {"worker", "demo"} <= names
    assert {cli.commands.owner(name) for name in names} == {"offsider"}
    assert cli.process_runner.by == "offsider"
    options = {name for name, _option in cli.worker_options.items()}
    assert options == {"timeout", "log-level", "log-format"}
    assert {cli.worker_options.owner(name) for name in options} == {"offsider"}


@pytest.mark.parametrize(
    ("seam", "name"), [("job_options", "queue"), ("config_sections", "redis"), ("scripts", "push")]
)
def test_what_the_core_has_registered_nobody_else_can_take(seam: str, name: str, make_app: Make) -> None:
    class Takes(Edition):
        """Takes a name of the core."""

        def install(self, app: App) -> None:
            getattr(app, seam).add(name, object(), by="plugin")

    with pytest.raises(DuplicateName, match=f"'{seam}' has '{name}' by core and by plugin"):
        make_app(editions=[Takes()])


@pytest.mark.parametrize(
    ("seam", "name", "thing"),
    [
        ("services", "heartbeat", Nothing()),
        ("heartbeat_fields", "rss", int),
        ("server_middleware", "profile", ServerMiddleware()),
    ],
)
def test_what_a_worker_is_made_of_nobody_else_can_take(seam: str, name: str, thing: Any, make_app: Make) -> None:
    class Takes(Edition):
        """Takes a name of the core."""

        def install_worker(self, worker: Worker) -> None:
            getattr(worker, seam).add(name, thing, by="plugin")

    app = make_app(editions=[Takes()])
    with pytest.raises(DuplicateName, match=rf"'{seam}' has .*'{name}' by .*(offsider.*plugin|plugin.*offsider)"):
        Worker(app)


# -- each seam closes in its time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seam", "thing"),
    [
        ("job_options", OptionSpec("late", "plugin", str)),
        ("config_sections", Section),
        ("scripts", Script.of("late", "return 1")),
    ],
)
def test_what_shapes_an_app_is_closed_once_it_is_made(seam: str, thing: Any, app: App) -> None:
    with pytest.raises(SeamClosed, match=f"plugin registers 'late' at '{seam}', which is closed.*install methods"):
        getattr(app, seam).add("late", thing, by="plugin")


def test_middleware_and_listeners_may_be_added_while_the_app_is_defined(
    app: App, start_worker: Start, raw: redis.Redis
) -> None:
    heard: list[str] = []
    app.server_middleware.add("mine", ServerMiddleware())
    app.events.on("startup", lambda: heard.append("startup"))
    start_worker(app)
    assert heard == ["startup"]


def test_client_middleware_is_closed_by_the_first_push(app: App) -> None:
    app.client_middleware.add("early", ClientMiddleware())

    @app.job(name="nothing")
    def nothing() -> None:
        """Pushed once."""

    nothing.enqueue()
    with pytest.raises(SeamClosed, match="the link 'late' at 'client_middleware'"):
        app.client_middleware.add("late", ClientMiddleware())


def test_a_worker_takes_services_and_fields_until_it_starts(app: App, start_worker: Start) -> None:
    worker = Worker(app)
    worker.services.add("early", Nothing(), by="plugin")
    worker.heartbeat_fields.add("early", lambda: 1, by="plugin")
    worker.start()
    try:
        with pytest.raises(SeamClosed, match="services"):
            worker.services.add("late", Nothing(), by="plugin")
        with pytest.raises(SeamClosed, match="heartbeat_fields"):
            worker.heartbeat_fields.add("late", lambda: 1, by="plugin")
        with pytest.raises(SeamClosed, match="fetcher"):
            worker.fetcher.fill(None, by="plugin")
        with pytest.raises(SeamClosed, match="scheduler"):
            worker.scheduler.fill(None, by="plugin")
        with pytest.raises(SeamClosed, match="server_middleware"):
            worker.server_middleware.add("late", ServerMiddleware())
    finally:
        worker.stop(1.0)


@pytest.mark.parametrize("seam", ["fetcher", "scheduler"])
def test_what_a_built_worker_would_never_use_is_refused(seam: str, app: App) -> None:
    """A slot that was read while the worker was built takes nothing any more."""
    made: list[Any] = []

    def make(*given: Any) -> Any:
        made.append(given)
        return Nothing()

    worker = Worker(app)
    slot = getattr(worker, seam)
    try:
        slot.fill(make, by="plugin")
    except SeamClosed:
        return
    worker.start()
    worker.stop(1.0)
    assert made, f"the {seam} was taken, and never used"


def test_the_command_line_is_closed_when_all_doors_were_opened(run_cli: Callable[..., None]) -> None:
    doors = Doors()
    run_cli(doors)
    ((_name, cli),) = doors.opened
    with pytest.raises(SeamClosed, match="commands"):
        cli.commands.add("late", click.Command("late"), by="plugin")
    with pytest.raises(SeamClosed, match="worker_options"):
        cli.worker_options.add("late", None, by="plugin")
    with pytest.raises(SeamClosed, match="process_runner"):
        cli.process_runner.fill(None, by="plugin")

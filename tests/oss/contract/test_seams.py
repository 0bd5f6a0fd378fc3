"""The four shapes of a seam: what they take, what they refuse, and what a refusal says."""

from __future__ import annotations

import logging

import pytest

from offsider.contract.seams import ABORTING, EVENTS, Chain, Events, Registry, Slot
from offsider.errors import DuplicateName, SeamClosed, SlotTaken, UnknownLink

BELONGS = "Register while the app is defined, or in the edition's install methods"


# -- one provider ----------------------------------------------------------------------------------------------------


@pytest.fixture
def slot() -> Slot[str]:
    """One with a default."""
    return Slot("fetcher", default="lease", default_by="offsider")


def test_a_slot_has_its_default_until_somebody_fills_it(slot: Slot[str]) -> None:
    assert (slot.value, slot.by) == ("lease", "offsider")
    slot.fill("other", by="plugin")
    assert (slot.value, slot.by) == ("other", "plugin")


def test_a_second_filler_is_refused_and_both_are_named(slot: Slot[str]) -> None:
    slot.fill("first", by="plugin")
    with pytest.raises(SlotTaken, match=r"'fetcher' is filled by plugin and by other: .* over='plugin'"):
        slot.fill("second", by="other")
    assert (slot.value, slot.by) == ("first", "plugin"), "a refusal changes nothing"


def test_a_filler_may_replace_another_that_it_names(slot: Slot[str]) -> None:
    slot.fill("first", by="plugin")
    slot.fill("second", by="other", over="plugin")
    assert (slot.value, slot.by) == ("second", "other")
    with pytest.raises(SlotTaken):
        slot.fill("third", by="another", over="plugin")


def test_a_filler_that_names_another_comes_in_without_it_too(slot: Slot[str]) -> None:
    slot.fill("second", by="other", over="plugin")
    assert slot.value == "second"


def test_a_closed_slot_keeps_its_value(slot: Slot[str]) -> None:
    slot.close()
    with pytest.raises(SeamClosed, match=f"plugin registers a provider at 'fetcher', which is closed.*{BELONGS}"):
        slot.fill("late", by="plugin")
    assert slot.value == "lease"


# -- ordered links ---------------------------------------------------------------------------------------------------


@pytest.fixture
def chain() -> Chain[str]:
    """One with the links a, b, c."""
    made: Chain[str] = Chain("server_middleware")
    for key in "abc":
        made.add(key, key.upper(), by="app")
    return made


def test_the_first_added_is_the_outermost(chain: Chain[str]) -> None:
    assert chain.compile() == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("where", "order"),
    [
        ({}, "ABCX"),
        ({"before": "a"}, "XABC"),
        ({"before": "c"}, "ABXC"),
        ({"after": "a"}, "AXBC"),
        ({"after": "c"}, "ABCX"),
        ({"first": True}, "XABC"),
    ],
)
def test_a_link_goes_where_it_is_put(chain: Chain[str], where: dict[str, str], order: str) -> None:
    chain.add("x", "X", **where)  # type: ignore[arg-type]
    assert "".join(chain.compile()) == order


def test_a_key_that_is_taken_is_refused_and_both_owners_are_named(chain: Chain[str]) -> None:
    with pytest.raises(DuplicateName, match="'server_middleware' has a link 'b' by app and by plugin"):
        chain.add("b", "X", by="plugin")
    assert chain.compile() == ["A", "B", "C"]


def test_an_unknown_neighbour_is_refused_with_the_nearest_and_all() -> None:
    chain: Chain[str] = Chain("server_middleware")
    with pytest.raises(UnknownLink, match=r"plugin puts 'x' next to 'timing'.*It has: nothing yet"):
        chain.add("x", "X", by="plugin", before="timing")
    chain.add("timing", "T")
    with pytest.raises(UnknownLink, match=r"next to 'timign', .*Did you mean 'timing'\? It has: timing"):
        chain.add("x", "X", by="plugin", after="timign")


def test_an_app_is_the_owner_of_a_link_that_names_none(chain: Chain[str]) -> None:
    chain.add("mine", "M")
    with pytest.raises(DuplicateName, match="by the app and by plugin"):
        chain.add("mine", "N", by="plugin")


def test_compiling_closes_a_chain_and_may_be_done_again(chain: Chain[str]) -> None:
    assert chain.compile() == chain.compile() == ["A", "B", "C"]
    with pytest.raises(SeamClosed, match=f"plugin registers the link 'x' at 'server_middleware', .*{BELONGS}"):
        chain.add("x", "X", by="plugin")


def test_an_extended_chain_is_open_and_the_first_does_not_see_its_links(chain: Chain[str]) -> None:
    chain.close()
    other = chain.extended()
    other.add("x", "X", after="a")
    assert other.compile() == ["A", "X", "B", "C"]
    assert chain.compile() == ["A", "B", "C"]
    assert other.name == chain.name


# -- named things ----------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Registry[int]:
    """One with two things."""
    made: Registry[int] = Registry("heartbeat_fields")
    made.add("rss", 1, by="offsider")
    made.add("busy", 2, by="plugin")
    return made


def test_things_are_found_by_name_with_their_owner_in_the_order_of_registration(registry: Registry[int]) -> None:
    assert list(registry.items()) == [("rss", 1), ("busy", 2)]
    assert registry["busy"] == 2
    assert registry.owner("busy") == "plugin"
    assert "rss" in registry
    assert "other" not in registry


def test_a_name_that_is_taken_is_refused_and_both_owners_are_named(registry: Registry[int]) -> None:
    with pytest.raises(DuplicateName, match="'heartbeat_fields' has 'rss' by offsider and by plugin: rename one"):
        registry.add("rss", 3, by="plugin")
    assert registry["rss"] == 1


def test_a_closed_registry_says_where_a_registration_belongs(registry: Registry[int]) -> None:
    registry.close()
    registry.close()
    with pytest.raises(SeamClosed, match=f"plugin registers 'late' at 'heartbeat_fields', which is closed.*{BELONGS}"):
        registry.add("late", 3, by="plugin")
    assert "late" not in registry


def test_items_may_be_walked_while_something_is_added(registry: Registry[int]) -> None:
    for name, value in registry.items():
        registry.add(f"{name}2", value, by="plugin")
    assert len(list(registry.items())) == 4


# -- many listeners --------------------------------------------------------------------------------------------------


def test_every_listener_hears_an_event_in_the_order_of_registration() -> None:
    events = Events()
    heard: list[object] = []
    events.on("death", lambda *given: heard.append(("first", *given)))
    events.on("death", lambda *given: heard.append(("second", *given)))
    events.on("error", lambda *given: heard.append(("other", *given)))
    events.emit("death", {"jid": "a"}, "why")
    assert heard == [("first", {"jid": "a"}, "why"), ("second", {"jid": "a"}, "why")]


@pytest.mark.parametrize("event", [one for one in EVENTS if one not in ABORTING])
def test_a_listener_that_fails_is_logged_with_its_owner_and_the_others_go_on(
    event: str, caplog: pytest.LogCaptureFixture
) -> None:
    events = Events()
    heard: list[object] = []

    def broken() -> None:
        raise ValueError("a listener's own fault")

    events.on(event, broken, by="plugin")
    events.on(event, lambda: heard.append(event))
    with caplog.at_level(logging.ERROR, "offsider"):
        events.emit(event)
    assert heard == [event]
    (record,) = caplog.records
    assert record.getMessage() == f"a listener for {event!r} by plugin failed; the others go on"
    assert "a listener's own fault" in str(record.exc_info and record.exc_info[1])


def test_only_an_error_at_the_start_is_passed_on() -> None:
    assert set(ABORTING) == {"startup"}
    events = Events()
    heard: list[object] = []

    def broken() -> None:
        raise ValueError("no model file")

    events.on("startup", broken)
    events.on("startup", lambda: heard.append("startup"))
    with pytest.raises(ValueError, match="no model file"):
        events.emit("startup")
    assert heard == []


def test_a_signal_passes_through_listeners() -> None:
    events = Events()

    def stop() -> None:
        raise KeyboardInterrupt

    events.on("beat", stop)
    with pytest.raises(KeyboardInterrupt):
        events.emit("beat")


def test_an_unknown_event_is_refused_with_the_nearest_and_all() -> None:
    with pytest.raises(UnknownLink, match=r"there is no event 'deth'\. Did you mean 'death'\? Events are: startup, .*"):
        Events().on("deth", lambda: None)


def test_an_edition_adds_events_of_its_own_which_are_heard_and_told_like_all() -> None:
    heard: list[object] = []
    events = Events()
    events.declare("opened", by="acme")
    events.on("opened", lambda hour: heard.append(hour), by="the app")
    events.emit("opened", 9)
    assert heard == [9]
    with pytest.raises(UnknownLink, match=r"no event 'openned'\. Did you mean 'opened'\? .*, opened$"):
        events.on("openned", print)
    with pytest.raises(DuplicateName, match="'events' has the event 'opened' already: shop has to"):
        events.declare("opened", by="shop")
    with pytest.raises(DuplicateName):
        events.declare("death", by="shop")
    events.close()
    with pytest.raises(SeamClosed, match="acme registers the event 'closed'"):
        events.declare("closed", by="acme")


def test_a_closed_seam_of_events_takes_no_more_listeners_and_goes_on_with_those_it_has() -> None:
    heard: list[str] = []
    events = Events()
    events.on("death", lambda: heard.append("death"))
    events.close()
    with pytest.raises(SeamClosed, match=r"acme registers a listener for 'death' at 'events', which is closed"):
        events.on("death", lambda: None, by="acme")
    events.emit("death")
    assert heard == ["death"]

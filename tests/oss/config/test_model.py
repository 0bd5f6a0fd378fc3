"""Every setting has a type and a range, and a queue list says what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from offsider.config.model import CORE, MOST_WEIGHT, Section, Settings, parse_queues
from offsider.errors import InvalidName, InvalidSetting

# -- queues ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queues", "weights"),
    [
        (["default"], {"default": 0}),
        (["high", "low"], {"high": 0, "low": 0}),
        (["high:3", "low:1"], {"high": 3, "low": 1}),
        (["high:1", f"low:{MOST_WEIGHT}"], {"high": 1, "low": MOST_WEIGHT}),
        (["high:3", "low"], {"high": 3, "low": 0}),
        ([" high:3 ", "low\n"], {"high": 3, "low": 0}),  # the edges are stripped
        (["a:b"], {"a:b": 0}),  # a name may have colons
        (["a:b:2"], {"a:b": 2}),
        (("A-Z_0.9",), {"A-Z_0.9": 0}),
    ],
)
def test_names_and_weights_of_queues_are_read(queues: list[str], weights: dict[str, int]) -> None:
    assert parse_queues(queues) == weights


def test_the_order_of_queues_is_kept() -> None:
    assert list(parse_queues(["z", "a", "m"])) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "queue",
    ["mail:0", "mail:-1", "mail:1001", "mail:+1001", "mail:99999999999999999999", "mail:" + "9" * 5000],
    ids=lambda queue: queue[:12],
)
def test_a_weight_that_no_queue_can_have_is_refused(queue: str) -> None:
    with pytest.raises(InvalidSetting, match=r"has the weight \S+: expected 1 to 1000"):
        parse_queues([queue])


@pytest.mark.parametrize("queues", [["mail", "mail"], ["mail:1", "mail:2"], ["mail", "mail:2"]])
def test_a_queue_that_is_given_twice_is_refused(queues: list[str]) -> None:
    with pytest.raises(InvalidSetting, match=r"'mail' is given twice: give it once, with a weight \(mail:2\)"):
        parse_queues(queues)


def test_no_queue_at_all_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r'at least one, e\.g\. queues = \["default"\]'):
        parse_queues([])


@pytest.mark.parametrize("queue", ["", "a b", "ü", "a" * 129, "{shop}", "a\nb", ":3"])
def test_a_name_with_other_letters_is_refused(queue: str) -> None:
    with pytest.raises(InvalidName, match="is no queue: expected 1 to 128 letters"):
        parse_queues([queue])


# -- types and ranges ------------------------------------------------------------------------------------------------


def made(section: str, key: str, value: Any) -> Any:
    """One setting, as it is kept."""
    return getattr(CORE[section].model_validate({key: value}), key)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("worker", "concurrency", 0),
        ("worker", "concurrency", 10_001),
        ("worker", "concurrency", "many"),
        ("worker", "concurrency", 1.5),
        ("worker", "shutdown_timeout_s", -0.1),
        ("worker", "shutdown_timeout_s", float("inf")),
        ("worker", "lease_s", 1.9),
        ("worker", "lease_s", 3601),
        ("worker", "lease_s", float("nan")),
        ("worker", "beat_s", 0),
        ("worker", "beat_s", 31),
        ("worker", "unknown_job_window_s", -1),
        ("worker", "loop_stall_s", 0),
        ("worker", "give_up_s", float("inf")),
        ("worker", "give_up_s", 0),
        ("worker", "log_level", "LOUD"),
        ("worker", "log_format", "xml"),
        ("worker", "labels", [1]),
        ("redis", "connect_timeout_s", 0),
        ("redis", "push_deadline_s", -1),
        ("redis", "push_deadline_s", float("nan")),
        ("redis", "url", 6379),
        ("jobs", "retry", -1),
        ("jobs", "retry", 1001),
        ("jobs", "dead_max", 0),
        ("jobs", "dead_days", 0),
    ],
)
def test_a_value_out_of_range_is_refused(section: str, key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        made(section, key, value)


@pytest.mark.parametrize(
    ("section", "key", "value", "kept"),
    [
        ("worker", "concurrency", "10000", 10_000),
        ("worker", "concurrency", 1, 1),
        ("worker", "shutdown_timeout_s", 0, 0.0),
        ("worker", "lease_s", "2", 2.0),
        ("worker", "queues", "high:3, low:1,", ["high:3", "low:1"]),
        ("worker", "queues", ["a", "b"], ["a", "b"]),
        ("worker", "labels", "eu, blue", ["eu", "blue"]),
        ("worker", "labels", "", []),
        ("worker", "unknown_job_window_s", 0, 0.0),
        ("worker", "log_level", "DEBUG", "DEBUG"),
        ("jobs", "retry", 0, 0),
        ("redis", "push_deadline_s", 0.001, 0.001),
    ],
)
def test_a_value_is_read_as_it_is_written_in_files_and_variables(
    section: str, key: str, value: object, kept: object
) -> None:
    assert made(section, key, value) == kept


def test_a_capsule_has_queues_and_a_concurrency_of_its_own() -> None:
    worker: Any = CORE["worker"].model_validate({"capsules": {"mail": {"queues": "mail:2,post:1"}}})
    assert worker.capsules["mail"].queues == ["mail:2", "post:1"]
    assert worker.capsules["mail"].concurrency == 1
    with pytest.raises(ValidationError, match="concurrency"):
        CORE["worker"].model_validate({"capsules": {"mail": {"queues": ["mail"], "concurrency": 0}}})
    with pytest.raises(ValidationError, match="queues"):
        CORE["worker"].model_validate({"capsules": {"mail": {}}})


def test_the_namespace_is_a_name_or_empty() -> None:
    assert Settings().namespace == "offsider"
    assert Settings(namespace="").namespace == "", "the layout of Sidekiq"
    for bad in ("a b", "{shop}", "ü", "a" * 129):
        with pytest.raises((InvalidName, ValidationError), match="is no namespace"):
            Settings(namespace=bad)


# -- shape -----------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_known_is_an_error_in_every_section() -> None:
    sections: list[type[Section]] = [Settings, *CORE.values()]
    for section in sections:
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            section.model_validate({"nothing": 1})


def test_settings_do_not_change_behind_an_app() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.namespace = "other"
    with pytest.raises(ValidationError, match="frozen"):
        settings.worker.concurrency = 1


def test_every_section_of_the_core_is_one_of_the_settings() -> None:
    for name, section in CORE.items():
        assert Settings.model_fields[name].annotation is section
        assert issubclass(section, Section)


def test_every_setting_has_a_default_that_is_valid() -> None:
    def check(section: BaseModel) -> None:
        type(section).model_validate(section.model_dump())
        for _name, value in section:
            if isinstance(value, BaseModel):
                check(value)

    check(Settings())


def test_two_settings_share_no_default() -> None:
    one, other = Settings(), Settings()
    one.worker.queues.append("mail")
    assert other.worker.queues == Settings().worker.queues == ["default"]

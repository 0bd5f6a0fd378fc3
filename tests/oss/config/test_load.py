"""Settings come from keywords, then the environment, then a file, then defaults; each knows which it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offsider.config.load import Loaded, load
from offsider.config.model import CORE, Section
from offsider.errors import ConfigError, InvalidSetting, UnknownSetting


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    """A file in the working folder."""
    path = Path(name)
    path.write_text(text, "utf-8")
    return path


def origin(loaded: Loaded, key: str) -> tuple[Any, str]:
    """A setting's value and where it came from, as it is explained."""
    return {name: (value, source) for name, value, source in loaded.explain()}[key]


# -- which source wins -----------------------------------------------------------------------------------------------


def test_a_keyword_is_over_the_environment_over_the_file_over_the_default() -> None:
    file = write("offsider.toml", "[worker]\nconcurrency = 3\nlease_s = 33\nbeat_s = 3\n")
    env = {"OFFSIDER_WORKER_CONCURRENCY": "4", "OFFSIDER_WORKER_LEASE_S": "44"}
    loaded = load({"worker": {"concurrency": 5}}, env=env)
    assert origin(loaded, "worker.concurrency") == (5, "keyword")
    assert origin(loaded, "worker.lease_s") == (44.0, "environment (OFFSIDER_WORKER_LEASE_S)")
    assert origin(loaded, "worker.beat_s") == (3.0, file.name)
    assert origin(loaded, "worker.shutdown_timeout_s") == (25.0, "default")


def test_every_setting_is_explained_defaults_included() -> None:
    explained = load(env={}).explain()
    assert {source for _key, _value, source in explained} == {"default"}
    keys = [key for key, _value, _source in explained]
    assert keys == sorted(set(keys), key=keys.index)
    expected = {f"{name}.{key}" for name, section in CORE.items() for key in section.model_fields}
    assert set(keys) == expected | {"namespace", "shards"}


def test_a_capsule_is_explained_key_by_key() -> None:
    write("offsider.toml", '[worker.capsules.mail]\nqueues = ["mail"]\n')
    loaded = load(env={})
    assert origin(loaded, "worker.capsules.mail.queues") == (["mail"], "offsider.toml")
    assert origin(loaded, "worker.capsules.mail.concurrency") == (1, "default")


def test_what_was_given_is_not_changed() -> None:
    given = {"worker": {"concurrency": 5}}
    write("offsider.toml", "[worker]\nlease_s = 33\n")
    load(given, env={"OFFSIDER_WORKER_BEAT_S": "2"})
    assert given == {"worker": {"concurrency": 5}}


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_file_of_the_project_is_the_second_to_be_looked_for() -> None:
    write("pyproject.toml", '[project]\nname = "shop"\n[tool.offsider.worker]\nconcurrency = 7\n')
    assert origin(load(env={}), "worker.concurrency") == (7, "pyproject.toml")
    write("offsider.toml", "[worker]\nconcurrency = 8\n")
    assert origin(load(env={}), "worker.concurrency") == (8, "offsider.toml")


def test_a_project_without_a_section_of_ours_sets_nothing() -> None:
    write("pyproject.toml", '[project]\nname = "shop"\n[tool.other]\nconcurrency = 7\n')
    assert origin(load(env={}), "worker.concurrency") == (10, "default")


def test_an_empty_file_of_ours_ends_the_search() -> None:
    write("offsider.toml", "")
    write("pyproject.toml", "[tool.offsider.worker]\nconcurrency = 7\n")
    assert origin(load(env={}), "worker.concurrency") == (10, "default")


def test_a_variable_names_another_file_and_an_argument_goes_over_it() -> None:
    write("offsider.toml", "[worker]\nconcurrency = 1\n")
    write("other.toml", "[worker]\nconcurrency = 2\n")
    write("third.toml", "[worker]\nconcurrency = 3\n")
    env = {"OFFSIDER_CONFIG": "other.toml"}
    assert origin(load(env=env), "worker.concurrency") == (2, "other.toml")
    assert origin(load(env=env, file="third.toml"), "worker.concurrency") == (3, "third.toml")
    assert origin(load(env={"OFFSIDER_CONFIG": ""}), "worker.concurrency") == (1, "offsider.toml")


def test_a_project_file_elsewhere_is_read_by_its_section(folder: Path) -> None:
    (folder / "sub").mkdir()
    path = write("sub/pyproject.toml", "[tool.offsider.worker]\nconcurrency = 7\n")
    assert origin(load(env={}, file=path), "worker.concurrency") == (7, str(path))


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"the settings file {name} cannot be read: \w+.*Check --config"):
        load(env={}, file=name)


@pytest.mark.parametrize("text", [b"[worker\n", b"worker: 3\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_named(text: bytes) -> None:
    Path("offsider.toml").write_bytes(text)
    with pytest.raises(ConfigError, match=r"the settings file offsider\.toml is not TOML: "):
        load(env={})


# -- the environment -------------------------------------------------------------------------------------------------


def test_every_setting_that_is_no_table_has_a_variable() -> None:
    env = {
        "OFFSIDER_REDIS_URL": "redis://db/1",
        "OFFSIDER_NAMESPACE": "shop",
        "OFFSIDER_WORKER_QUEUES": "high:3,low:1",
        "OFFSIDER_WORKER_LOG_LEVEL": "DEBUG",
        "OFFSIDER_JOBS_RETRY": "3",
    }
    loaded = load(env=env)
    assert origin(loaded, "redis.url")[0] == "redis://db/1"
    assert origin(loaded, "namespace") == ("shop", "environment (OFFSIDER_NAMESPACE)")
    assert origin(loaded, "worker.queues")[0] == ["high:3", "low:1"]
    assert origin(loaded, "jobs.retry")[0] == 3


def test_other_variables_are_left_alone() -> None:
    env = {"HOME": "/", "OFFSIDERS": "1", "OFFSIDER_EDITIONS": "oss", "OFFSIDER_LICENSE": "x", "OFFSIDER_TEST_X": "1"}
    assert {source for _key, _value, source in load(env=env).explain()} == {"default"}


def test_the_environment_of_the_process_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSIDER_WORKER_TAG", "blue")
    assert origin(load(), "worker.tag") == ("blue", "environment (OFFSIDER_WORKER_TAG)")


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("OFFSIDER_WORKER_CONCURENCY", "OFFSIDER_WORKER_CONCURRENCY"),
        ("OFFSIDER_REDIS_ULR", "OFFSIDER_REDIS_URL"),
        ("OFFSIDER_CONFG", "OFFSIDER_CONFIG"),
        ("OFFSIDER_worker_tag", "OFFSIDER_WORKER_TAG"),
    ],
)
def test_a_variable_nobody_knows_is_an_error_that_names_the_nearest(variable: str, nearest: str) -> None:
    with pytest.raises(UnknownSetting) as caught:
        load(env={variable: "1"})
    message = str(caught.value)
    assert f"the environment has {variable}, which is no setting." in message
    if variable.isupper():
        assert f"Did you mean {nearest!r}?" in message


def test_the_value_of_an_unknown_variable_is_not_told_it_may_be_a_secret() -> None:
    with pytest.raises(UnknownSetting) as caught:
        load(env={"OFFSIDER_REDIS_URI": "redis://:hunter2@db/0"})
    assert "hunter2" not in str(caught.value)


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[worker]\nconcurency = 3\n", "worker.concurency", "worker.concurrency"),
        ("[wroker]\nconcurrency = 3\n", "wroker", "worker"),
        ('namspace = "x"\n', "namspace", "namespace"),
    ],
)
def test_an_unknown_key_is_refused_with_its_source_and_the_nearest(text: str, key: str, nearest: str) -> None:
    write("offsider.toml", text)
    with pytest.raises(
        UnknownSetting, match=rf"'{key}' \(from offsider\.toml\) is no setting\. Did you mean '{nearest}'\?"
    ):
        load(env={})
    with pytest.raises(UnknownSetting, match=r"'queue' \(from keyword\) is no setting"):
        load({"queue": "x"}, env={}, file=write("empty.toml", ""))


def test_a_value_that_is_not_valid_is_refused_with_the_source_that_set_it() -> None:
    write("offsider.toml", "[worker]\nconcurrency = 0\n")
    with pytest.raises(InvalidSetting, match=r"worker\.concurrency is 0 \(from offsider\.toml\): .*greater than"):
        load(env={})
    env = {"OFFSIDER_WORKER_CONCURRENCY": "many"}
    expected = r"worker\.concurrency is 'many' \(from environment \(OFFSIDER_WORKER_CONCURRENCY\)\): .*integer"
    with pytest.raises(InvalidSetting, match=expected):
        load(env=env)
    with pytest.raises(InvalidSetting, match=r"worker\.concurrency is 'few' \(from keyword\)"):
        load({"worker": {"concurrency": "few"}}, env=env)
    with pytest.raises(InvalidSetting, match=r"worker is 5 \(from keyword\)"):
        load({"worker": 5}, env={}, file=write("empty.toml", ""))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[worker]\nqueues = ["mail", 3]\n', r"worker\.queues\.1"),
        ("[worker]\nlabels = [1]\n", r"worker\.labels\.0"),
        ("[worker.capsules.mail]\nqueues = [1]\n", r"worker\.capsules\.mail\.queues\.0"),
    ],
)
def test_a_value_inside_a_list_has_the_source_of_its_list(text: str, key: str) -> None:
    write("offsider.toml", text)
    with pytest.raises(InvalidSetting, match=rf"{key} is \d \(from offsider\.toml\)"):
        load(env={})


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("OFFSIDER_WORKER_QUEUES", "mail:0", r"worker\.queues"),
        ("OFFSIDER_WORKER_QUEUES", "mail,mail", r"worker\.queues"),
        ("OFFSIDER_WORKER_QUEUES", ",", r"worker\.queues"),
        ("OFFSIDER_WORKER_QUEUES", "a b", r"worker\.queues"),
        ("OFFSIDER_NAMESPACE", "a b", "namespace"),
    ],
)
def test_a_name_or_a_queue_that_is_not_valid_says_which_source_set_it(variable: str, value: str, key: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"{key} is .*\(from environment \({variable}\)\)"):
        load(env={variable: value})


def test_a_project_file_whose_section_is_no_table_is_refused() -> None:
    write("pyproject.toml", "[tool]\noffsider = 3\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        load(env={})


# -- sections of others ----------------------------------------------------------------------------------------------


class Acme(Section):
    """A section that an edition adds."""

    tenant: str = "nobody"


def test_a_section_that_was_added_is_set_from_every_source() -> None:
    sections: dict[str, type[Section]] = {**CORE, "acme": Acme}
    write("offsider.toml", '[acme]\ntenant = "file"\n')
    assert origin(load(env={}, sections=sections), "acme.tenant") == ("file", "offsider.toml")
    env = {"OFFSIDER_ACME_TENANT": "variable"}
    assert origin(load(env=env, sections=sections), "acme.tenant")[0] == "variable"
    assert origin(load({"acme": {"tenant": "keyword"}}, env=env, sections=sections), "acme.tenant")[0] == "keyword"
    with pytest.raises(UnknownSetting, match=r"'acme\.tennant' .*Did you mean 'acme\.tenant'\?"):
        load({"acme": {"tennant": "x"}}, env={}, sections=sections)


def test_a_section_nobody_added_is_unknown() -> None:
    with pytest.raises(UnknownSetting, match=r"'acme' \(from keyword\)"):
        load({"acme": {"tenant": "x"}}, env={}, sections=CORE)


def test_shards_are_tables_of_the_file_and_keep_their_order() -> None:
    write(
        "offsider.toml",
        '[shards.us]\nurl = "redis+cluster://a:7000,b:7001"\nnamespace = "shop-us"\n[shards.eu]\nurl = "redis://eu"\n'
        'queues = ["mail", "reports*"]\n',
    )
    loaded = load(env={})
    assert list(loaded.settings.shards) == ["us", "eu"]
    assert loaded.settings.shards["eu"].names == ["mail"]
    assert origin(loaded, "shards.eu.queues") == (["mail", "reports*"], "offsider.toml")


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ({"eu": {}}, r"shards\.eu is \{\}.*expected a url, or a namespace, or both"),
        ({"eu": {"url": "redis://eu", "queues": ["a*b"]}}, r"shards\.eu\.queues .*'a\*b' is no queue"),
        ({"eu": {"namespace": "a b"}}, r"shards\.eu\.namespace is 'a b'.*is no namespace"),
        ({"e u": {"namespace": "eu"}}, "'e u' is no shard"),
        (
            {"eu": {"namespace": "eu", "queues": ["a"]}, "us": {"namespace": "us", "queues": ["b", "a"]}},
            "queue 'a' goes to 'eu' and 'us': give it to one of them",
        ),
    ],
)
def test_a_shard_that_cannot_be_is_refused(shards: object, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        load({"shards": shards}, env={})


def test_a_secret_of_the_wrong_kind_is_not_shown() -> None:
    with pytest.raises(InvalidSetting, match=r"web\.password is not shown \(from keyword\): .*valid string") as caught:
        load({"web": {"password": 4711}}, env={})
    assert "4711" not in str(caught.value)


def test_a_misspelt_key_of_a_shard_is_refused() -> None:
    with pytest.raises(UnknownSetting, match=r"shards\.eu\.quues"):
        load({"shards": {"eu": {"namespace": "eu", "quues": []}}}, env={})

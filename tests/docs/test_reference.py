"""What the pages list is what there is: options, errors, keys, fields, scripts, and every name in the code."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from offsider import errors
from offsider.job.options import CORE, JobOptions, to_wire
from offsider.store.keys import Keys
from offsider.store.scripts import all_scripts
from support.pages import Page, page, pages

DOTTED = re.compile(r"`(offsider(?:\.\w+)+)(?:\([^`]*\))?`")
FORMAT = page("docs/format.md")


def words(name: str) -> set[str]:
    """Every word in code of a page."""
    return set(re.findall(r"`([^`\n]+)`", page(name).text))


def test_every_option_of_a_job_is_listed_and_none_more() -> None:
    listed = [row[0].strip("`") for row in page("docs/guides/jobs.md").rows("Options")]
    assert listed == [spec.name for spec in CORE]


def test_every_error_is_explained_and_none_more() -> None:
    own = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__}
    listed = {row[0].strip("`") for row in page("docs/guides/errors.md").rows("Every error")}
    assert listed == own


def test_every_key_is_in_the_format() -> None:
    keys = Keys("")
    made = {value for name, value in vars(keys).items() if name not in ("namespace", "prefix")}
    arguments = {"name": "NAME", "queue": "NAME", "owner": "OWNER", "lane": "LANE", "identity": "IDENTITY"}
    arguments |= {"stamp": "STAMP", "date": "DATE", "label": "LABEL", "token": "TOKEN", "jid": "JID"}
    for method, function in inspect.getmembers(Keys, inspect.isfunction):
        if not method.startswith("_"):
            parameters = [one for one in inspect.signature(function).parameters if one in arguments]
            made.add(getattr(keys, method)(*[arguments[one] for one in parameters]))
    made.add(keys.stat("NAME", "YYYY-MM-DD"))
    listed = {key.strip("` ").replace("\\|", "|") for row in FORMAT.rows("Keys") for key in row[0].split(",")}
    assert listed == made


def test_every_field_that_a_push_writes_is_in_the_format() -> None:
    options = JobOptions(**full_options())
    fields = {"class", "args", "kwargs", "jid", "queue", "created_at", "enqueued_at", *to_wire(options)}
    assert fields <= words("docs/format.md")


def full_options() -> dict[str, Any]:
    """An option that differs from its default for each field of the payload."""
    retry = errors_free_retry()
    return {
        "retry": retry, "retry_is_default": False, "timeout_s": 1.0, "max_run_s": 1.0, "tags": ("a",),
        "display_name": "b", "dead": False, "backtrace": True, "log_level": "INFO", "result_ttl_s": 60.0,
        "profile": "token",
    }  # fmt: skip


def errors_free_retry() -> Any:
    """A retry that sets all that travels."""
    from offsider import Retry

    return Retry(for_=60, queue="again")


def test_every_script_is_in_the_internals() -> None:
    links = page("docs/internals.md").links()
    for script in all_scripts():
        assert any(link.endswith(f"/lua/{script.name}.lua") for link in links), script.name


@pytest.mark.parametrize("one", pages(), ids=lambda one: one.name)
def test_every_name_of_the_code_on_a_page_exists(one: Page) -> None:
    missing = [name for name in DOTTED.findall(one.text) if not exists(name)]
    assert not missing


def exists(name: str) -> bool:
    """True for a module, or what is reached from one by its attributes; loggers' names, too."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return name in LOGGERS | WORDS
            found = getattr(found, part)
        return True
    return False


LOGGERS = {"offsider", "offsider.job", "offsider.worker", "offsider.client", "offsider.pro", "offsider.enterprise"}
WORDS = {"offsider.editions", "offsider.toml", "offsider.license"}  # entry points, files
WORDS |= {"offsider.job.name", "offsider.job.attempt"}  # attributes of spans

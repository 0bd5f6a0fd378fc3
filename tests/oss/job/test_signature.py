"""What of a signature travels, and how the context finds its place."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

import pytest

from offsider.errors import InvalidArguments
from offsider.job.args import Arguments
from offsider.job.context import CONTEXT, Context
from offsider.job.signature import JobSignature
from support.wire import JID, run, sent, through

if TYPE_CHECKING:
    from nowhere import Undefined


def at_first(ctx: Context, a: int, b: int = 2) -> Any:
    return ctx.jid, a, b


def in_the_middle(a: int, ctx: Context, b: int = 2) -> Any:
    return ctx.jid, a, b


def at_last(a: int, b: int = 2, ctx: Context = CONTEXT) -> Any:
    return ctx.jid, a, b


def by_keyword(a: int, b: int = 2, *, ctx: Context = CONTEXT) -> Any:
    return ctx.jid, a, b


def under_another_name(a: int, b: int = 2, *, attempt: Context) -> Any:
    return attempt.jid, a, b


def only_by_place(a: int, b: int = 2, ctx: Context = CONTEXT, /) -> Any:
    return ctx.jid, a, b


def of_types(ctx: Context, a: int, b: int | uuid.UUID = 2) -> Any:
    return ctx.jid, a, b


PLACES = [at_first, in_the_middle, at_last, by_keyword, under_another_name, only_by_place, of_types]


@pytest.mark.parametrize("fn", PLACES, ids=lambda fn: fn.__name__)
def test_a_context_is_filled_in_wherever_the_signature_has_it(fn: Callable[..., Any]) -> None:
    assert through(fn, 1) == (JID, 1, 2)
    assert through(fn, 1, 3) == (JID, 1, 3)
    assert sent(fn, 1, 3)["args"] == [1, 3]
    assert Arguments(fn, "job").wants_context


@pytest.mark.parametrize("fn", [one for one in PLACES if one is not only_by_place], ids=lambda fn: fn.__name__)
def test_a_context_finds_its_place_among_arguments_by_name(fn: Callable[..., Any]) -> None:
    assert through(fn, a=1) == (JID, 1, 2)
    assert through(fn, 1, b=3) == (JID, 1, 3)
    assert run(fn, {"args": [], "kwargs": {"b": 3, "a": 1}}) == (JID, 1, 3)


def test_a_context_before_variadic_arguments_takes_its_own_place() -> None:
    def rest(a: int, ctx: Context, *more: int, **named: int) -> Any:
        return a, ctx.jid, more, named

    assert through(rest, 1, 2, 3, x=4) == (1, JID, (2, 3), {"x": 4})


def test_a_caller_cannot_pass_a_context() -> None:
    def open_to_all(ctx: Context, **named: Any) -> None:
        """Would take anything by name."""

    for fn, call in ((at_last, {"a": 1, "ctx": CONTEXT}), (open_to_all, {"ctx": 5})):
        with pytest.raises(InvalidArguments, match="ctx is filled in by the worker; leave it out"):
            Arguments(fn, "job").encode([], call)
    with pytest.raises(InvalidArguments, match="too many positional arguments"):
        Arguments(at_first, "job").encode([CONTEXT, 1, 2], {})


def test_a_job_without_a_context_does_not_ask_for_one() -> None:
    assert not Arguments(lambda a: a, "job").wants_context


@pytest.mark.parametrize("fn", [at_first, of_types], ids=lambda fn: fn.__name__)
def test_filling_in_a_context_leaves_the_payload_as_it_was(fn: Callable[..., Any]) -> None:
    payload = sent(fn, 1, 3)
    run(fn, payload)
    assert payload["args"] == [1, 3]


def optional(a: int, ctx: Context | None = None) -> Any:
    return a, ctx


def old_optional(a: int, ctx: Optional[Context] = None) -> Any:  # noqa: UP045 - as people write it
    return a, ctx


@pytest.mark.parametrize("fn", [optional, old_optional], ids=lambda fn: fn.__name__)
def test_a_context_that_may_be_none_is_filled_in_too(fn: Callable[..., Any]) -> None:
    a, context = through(fn, 1)
    assert (a, context.jid) == (1, JID)
    assert fn(1) == (1, None)


def test_two_contexts_are_refused_when_the_job_is_prepared() -> None:
    def twice(a: Context, b: int, c: Context) -> None:
        """Wants it twice."""

    with pytest.raises(InvalidArguments, match="job 'job' wants the Context as a and as c: once is enough"):
        Arguments(twice, "job")


# -- the rest of the signature ---------------------------------------------------------------------------------------


def test_the_wire_is_the_signature_without_context_and_result() -> None:
    signature = JobSignature(in_the_middle, "job")
    assert str(signature.wire) == "(a: 'int', b: 'int' = 2)"
    assert (signature.positional, signature.required, signature.context) == (["a", "b"], ["a"], "ctx")
    assert signature.named == {"a", "b"}
    assert (signature.rest, signature.others) == (None, None)


def test_each_argument_is_looked_up_at_the_parameter_that_takes_it() -> None:
    def every(a: int, /, b: str, *rest: float, c: bool, **others: list[int]) -> None:
        """Has every kind of parameter."""

    signature = JobSignature(every, "job")
    assert [signature.at(number) for number in range(4)] == ["a", "b", "rest", "rest"]
    assert [signature.of(name) for name in ("a", "b", "c", "rest", "x")] == ["others", "b", "c", "others", "others"]
    assert [signature.hint(name) for name in ("a", "rest", "others", "unknown")] == [int, float, list[int], Any]


def test_an_annotation_that_is_not_known_at_run_time_is_told_with_what_to_do() -> None:
    def later(x: Undefined) -> None:
        """Annotated under TYPE_CHECKING."""

    with pytest.raises(InvalidArguments, match=r"later: the annotation 'Undefined' is not known .* Import it there"):
        JobSignature(later, "job")

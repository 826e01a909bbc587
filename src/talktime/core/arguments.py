"""Arguments of the wrong type, and pages of no length, are refused in words, and not by whatever uses them first.

A host passes the number of a row as an id, a `datetime` as an instant, or a text as a number. The annotations of a
method say which types it takes, so they are the only place where this stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import wraps
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from talktime.core.errors import InvalidRequest
from talktime.core.instants import INSTANT_MAX

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])

_INSTANTS: Final = frozenset({"at", "as_of", "begin", "end", "expires_at"})
_MILLISECONDS_MIN: Final = 100_000_000_000
"""In milliseconds this is in 1973; in seconds it is thousands of years from now."""

_IN_WORDS: Final[dict[Any, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    NoneType: "None",
}


def checks_arguments(cls: type[C]) -> type[C]:
    """Lets each public method of the class refuse an argument of the wrong type with `InvalidRequest`."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(member):
            setattr(cls, name, checked(member))
        elif isinstance(member, classmethod):
            setattr(cls, name, classmethod(checked(member.__func__)))
    return cls


def checked(method: F) -> F:
    """Lets a function refuse an argument of the wrong type with `InvalidRequest`."""
    names = list(inspect.signature(method).parameters)
    hints: dict[str, Any] = {}

    def check(name: str, value: object) -> Any:
        if name in hints and not _fits(value, hints[name]):
            raise InvalidRequest((name, _refusal(name, value, hints[name])))
        if isinstance(value, int) and (refusal := _out_of_bounds(name, value)):
            raise InvalidRequest((name, refusal))
        return _as_member(value, hints.get(name))

    def check_all(args: tuple[object, ...], arguments: Mapping[str, object]) -> tuple[list[Any], dict[str, Any]]:
        if not hints:  # only now are all names of the module known
            hints.update(get_type_hints(method))
        # Python itself refuses an argument that the method does not have.
        checked_args = [check(name, value) for name, value in zip(names, args, strict=False)]
        return [*checked_args, *args[len(names) :]], {name: check(name, value) for name, value in arguments.items()}

    if inspect.iscoroutinefunction(method):

        @wraps(method)
        async def checked_coroutine(*args: Any, **arguments: Any) -> Any:
            checked_args, checked_arguments = check_all(args, arguments)
            return await method(*checked_args, **checked_arguments)

        return cast("F", checked_coroutine)

    @wraps(method)
    def checked_function(*args: Any, **arguments: Any) -> Any:
        checked_args, checked_arguments = check_all(args, arguments)
        return method(*checked_args, **checked_arguments)

    return cast("F", checked_function)


def _as_member(value: object, hint: Any) -> object:
    """The member of an enumeration that a text stands for. Methods compare members by identity, so a text is none."""
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value


def _out_of_bounds(name: str, value: int) -> str | None:
    """Why this number can't be meant."""
    if name == "limit" and value < 1:
        return "must be at least 1"
    if name in _INSTANTS and not 0 <= value <= INSTANT_MAX:
        return "must be an instant from 1970 to 9999, in milliseconds"
    if name in _INSTANTS and 0 < value < _MILLISECONDS_MIN:
        return f"must be in milliseconds, and {value} looks like seconds: pass {value}_000"
    return None


def _fits(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return any(_fits(value, part) for part in get_args(hint))
    if origin is not None:
        # Python counts a text as a collection of characters. A caller who passes a text means a single item.
        return isinstance(value, origin) and not (isinstance(value, str) and issubclass(origin, Collection))
    if hint in {int, float}:
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value in [member.value for member in hint]
    return hint is Any or not isinstance(hint, type) or isinstance(value, hint)


def _refusal(name: str, value: object, hint: Any) -> str:
    """The types that the argument may have, and the call that makes one of them of this value."""
    is_union = get_origin(hint) in {Union, UnionType}
    kinds = get_args(hint) if is_union else (hint,)
    words = f"must be {' or '.join(map(_in_words, kinds))}"
    if isinstance(value, str) and any(isinstance(kind, type) and issubclass(kind, Enum) for kind in kinds):
        return f"{words}, not {value[:20]!r}"
    return f"{words}, not of the type {type(value).__name__}{_advice(name, value, kinds)}"


def _in_words(kind: Any) -> str:
    if kind in _IN_WORDS:
        return _IN_WORDS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(member.value for member in kind)}"
    origin = get_origin(kind)
    if origin is None:
        return f"{'an' if kind.__name__[0] in 'AEIO' else 'a'} {kind.__name__}"
    return "a mapping" if issubclass(origin, Mapping) else "a function" if origin is Callable else "a collection"


def _advice(name: str, value: object, kinds: tuple[Any, ...]) -> str:
    if name == "amount" and not isinstance(value, bool):
        return f': in micro-credits, parse_credits("{str(value)[:20]}")'
    if int in kinds:
        return _advice_for_a_number(name, value)
    if str in kinds:
        return _advice_for_a_text(value)
    if name == "settings":
        return ": load_settings(…) of talktime.settings makes one"
    if isinstance(value, str) and any(get_origin(kind) is Collection for kind in kinds):
        return f": pass [{value[:20]!r}]"
    parsed = [kind.__name__ for kind in kinds if hasattr(kind, "parse")]
    return f": {parsed[0]}.parse makes one of a document" if parsed else ""


def _advice_for_a_text(value: object) -> str:
    if type(value).__name__ == "Settings":
        return ": pass settings=…"
    return ": pass str(…)" if isinstance(value, int) else ""


def _advice_for_a_number(name: str, value: object) -> str:
    if isinstance(value, str) and name in _INSTANTS:
        return ": pass the milliseconds since 1970, round(datetime(…).timestamp() * 1000)"
    if isinstance(value, datetime):
        return ": pass its milliseconds since 1970, round(….timestamp() * 1000)"
    if isinstance(value, timedelta):
        unit, factor = ("seconds", "") if name.endswith("_seconds") else ("milliseconds", " * 1000")
        return f": pass its {unit}, round(….total_seconds(){factor})"
    if isinstance(value, str | float):
        return f": pass {'int' if isinstance(value, str) else 'round'}(…)"
    return ""

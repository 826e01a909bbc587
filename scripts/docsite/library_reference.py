"""The reference of the Python library, from the code: signatures, types and docstrings of everything public."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Final

import talktime
from talktime import Talktime, TalktimeError
from talktime.engine.timers import ChatTimerManager

MODULES: Final = ("talktime", "talktime.errors", "talktime.testing", "talktime.asgi", "talktime.logs")
"""The modules that a host imports from. Every other module may change at any time."""

PUBLIC_NAMES: Final = {
    "talktime.testing": (
        "disposable_talktime",
        "disposable_blocking_talktime",
        "disposable_database",
        "talk",
        "blocking_talk",
    ),
    "talktime.asgi": ("create_app", "Tokens"),
    "talktime.logs": ("redact",),
}
"""What is public of a module that has no `__all__`."""

_SECTION: Final = re.compile(r"^(Args|Raises|Returns|Attributes|Yields):$")
_HEADING: Final = re.compile(r"^    # ([A-Z][\w ,]*)\.$")
_INSIDE: Final = "Inside"
_IN_EVERY_CLASS: Final = frozenset({"document", "problem"})  # the JSON of the object
_LINE_MAX: Final = 100


def library() -> str:
    """Every public class and function."""
    parts: list[str] = []
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        parts.append(f"## `{module_name}` {{: #{_anchor(module_name)} }}")
        if module_name != "talktime":
            parts.append(_markdown(inspect.getdoc(module) or ""))
        for name in public_names(module_name):
            parts += _member(name, getattr(module, name))
    return "\n\n".join(part for part in parts if part)


def public_names(module_name: str) -> tuple[str, ...]:
    """The names that a host may import from this module, `Talktime` first."""
    module = importlib.import_module(module_name)
    names: tuple[str, ...] = PUBLIC_NAMES.get(module_name) or tuple(module.__all__)
    return tuple(sorted(names, key=lambda name: name != "Talktime"))


def methods(cls: type) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """The public methods of a class in the order of the source: the heading above it, its name, the function."""
    seen: set[str] = set()
    for base in cls.__mro__[:-1]:
        if base.__module__.partition(".")[0] != talktime.__name__:
            continue
        for heading, name in _method_names(base):
            if not name.startswith("_") and name not in seen:
                seen.add(name)
                member = inspect.getattr_static(cls, name)
                function: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                yield heading, name, inspect.unwrap(function)


def _method_names(cls: type) -> Iterator[tuple[str, str]]:
    """Each method that a class defines, and the comment such as `# Credit.` above its group."""
    source = textwrap.dedent(inspect.getsource(cls))
    headings = {
        number: match[1] for number, line in enumerate(source.splitlines(), 1) if (match := _HEADING.match(line))
    }
    (definition,) = ast.parse(source).body
    for node in getattr(definition, "body", ()):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            above = [heading for number, heading in headings.items() if number < node.lineno]
            yield (above[-1] if above else ""), node.name


def _member(name: str, member: object) -> Iterator[str]:
    yield f"### `{name}`"
    if inspect.isclass(member):
        yield from _class(name, member)
    elif callable(member):
        yield _signature(name, inspect.unwrap(member))
        yield _markdown(inspect.getdoc(member) or "")
    else:
        yield f"Another name of `{member}`."


def _class(name: str, cls: type) -> Iterator[str]:
    if cls is Talktime:
        yield from _talktime()
        return
    yield _markdown(inspect.getdoc(cls) or "")
    if issubclass(cls, enum.Enum):
        yield "One of " + ", ".join(f"`{name}.{member.name}`" for member in cls) + "."
        return
    if issubclass(cls, TalktimeError):
        yield f"Code `{cls.code}`, HTTP status {int(cls.status)}."
    if dataclasses.is_dataclass(cls):
        fields = [field for field in dataclasses.fields(cls) if field.init]
        yield "| field | type | is |\n| --- | --- | --- |\n" + "\n".join(
            _field(field.name, field.type) for field in fields
        )
    for _, method, function in methods(cls):
        if isinstance(inspect.getattr_static(cls, method), property):
            returns = _type(inspect.signature(function).return_annotation)
            yield f"`{method}`, {returns}: {_markdown(inspect.getdoc(function) or '')}"
        elif method not in _IN_EVERY_CLASS:
            yield _signature(method, function)
            yield _markdown(inspect.getdoc(function) or "")


def _talktime() -> Iterator[str]:
    yield _markdown(inspect.getdoc(Talktime) or "")
    group = ""
    for heading, method, function in methods(Talktime):
        if heading not in {group, _INSIDE, ""}:
            group = heading
            yield f"**{heading}**"
        yield f"#### `{method}` {{: #talktime-{method} }}"
        yield _signature(method, function)
        yield _markdown(inspect.getdoc(function) or "")
    yield from _timers()


def _timers() -> Iterator[str]:
    yield "**Timers, by their old names**"
    for _, name, function in methods(ChatTimerManager):  # not public: hosts reach it as `Talktime.timers`
        yield f"#### `timers.{name}` {{: #talktime-timers-{name} }}"
        yield _signature(name, function)
        yield _markdown(inspect.getdoc(function) or "")


class _Source:
    """Something that is shown as this source text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter as one writes it: with annotations that are not quoted, and members of enumerations by name."""
    default = parameter.default
    if isinstance(default, enum.Enum):
        default = _Source(f"{type(default).__name__}.{default.name}")
    elif inspect.isfunction(default):
        default = _Source("...")
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = _Source(annotation)
    return parameter.replace(default=default, annotation=annotation)


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = [_shown(p) for p in signature.parameters.values() if p.name not in {"self", "cls"}]
    returns = signature.return_annotation
    if isinstance(returns, str):
        returns = _Source(returns)
    signature = signature.replace(parameters=parameters, return_annotation=returns)
    keyword = "async def " if inspect.iscoroutinefunction(function) else "def "
    if inspect.isasyncgenfunction(function):
        keyword = "@asynccontextmanager\nasync def "
    text = f"{keyword}{name}{signature}"
    if len(text) > _LINE_MAX:
        lines: list[str] = []
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY and "    *," not in lines:
                lines.append("    *,")
            lines.append(f"    {parameter},")
        text = f"{keyword}{name}(\n" + "\n".join(lines) + f"\n) -> {returns!r}"
    return f"```python\n{text}\n```"


def _markdown(docstring: str) -> str:
    """A docstring with its sections (`Args:`, `Raises:`) as lists."""
    lines: list[str] = []
    section = ""
    for line in docstring.splitlines():
        match = _SECTION.match(line)
        if match:
            section = match[1]
            lines += ["", f"*{section.replace('Args', 'Arguments')}:*", ""]
        elif section and line.startswith("    "):
            item = line.strip()
            name, colon, about = item.partition(":")
            if line.startswith("     ") or not colon:
                lines.append(f"    {item}")
            else:
                lines.append(f"- `{name}`: {about.strip()}")
        else:
            if line.strip():
                section = ""
            lines.append(line)
    return "\n".join(lines).strip()


def _field(name: str, annotation: object) -> str:
    """A row for a field: of `Annotated[int, "how many"]` the type and the words."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    words: list[str] = []
    expression = ast.parse(text, mode="eval").body
    if isinstance(expression, ast.Subscript) and ast.unparse(expression.value) == "Annotated":
        assert isinstance(expression.slice, ast.Tuple)  # noqa: S101  an annotation has at least two parts
        kind, *notes = expression.slice.elts
        text = ast.unparse(kind)
        words = [note.value for note in notes if isinstance(note, ast.Constant) and isinstance(note.value, str)]
    return f"| `{name}` | {_type(text)} | {'; '.join(words)} |".replace("  |", " |")


def _type(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return f"`{text}`".replace("|", "\\|")


def _anchor(module_name: str) -> str:
    return f"module-{module_name.replace('.', '-')}"

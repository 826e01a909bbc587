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
from typing import Annotated, Any, Final, ForwardRef, get_args, get_origin

import talktime
from talktime import BlockingTalktime, Talktime, TalktimeError
from talktime.asgi import Tokens
from talktime.engine.timers import ChatTimerManager
from talktime.settings import Settings

MODULES: Final = (
    "talktime",
    "talktime.errors",
    "talktime.settings",
    "talktime.testing",
    "talktime.asgi",
    "talktime.logs",
)
"""The modules that a host imports from. Every other module may change at any time."""

PUBLIC_NAMES: Final = {
    "talktime.settings": ("load_settings", "SettingsError"),
    "talktime.testing": (
        "disposable_talktime",
        "disposable_blocking_talktime",
        "disposable_database",
        "talk",
        "blocking_talk",
    ),
    "talktime.asgi": ("create_app", "Tokens"),
    "talktime.logs": ("redact", "drop_rows"),
}
"""What is public of a module that has no `__all__`."""

_SECTION: Final = re.compile(r"^(Args|Raises|Returns|Attributes|Yields):$")
_HEADING: Final = re.compile(r"^    # ([A-Z][\w ,]*)\.$")
_INSIDE: Final = "Inside"
_IN_EVERY_CLASS: Final = frozenset({"document", "problem"})  # the JSON of the object
_PLAIN: Final = {"TariffDocument": "Tariff", "TermsDocument": "Terms", "Count": "int", "Number": "int"}
"""The types of Python behind types that say how JSON shows a value, but for those on top of the page."""

_DESCRIBED_ELSEWHERE: Final = (Talktime, BlockingTalktime, Settings)
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
    parts.append("## What methods take and return {: #values }")
    parts.append(
        "Methods make these objects, and a host reads their fields. Their classes can't be imported from a public"
        " module. `Settings` is what `talktime.settings.load_settings` returns: see [the settings](settings.md)."
    )
    public = {getattr(importlib.import_module(module), name) for module in MODULES for name in public_names(module)}
    for cls in sorted(value_types() - public, key=lambda cls: cls.__name__):
        parts += _member(cls.__name__, cls)
    return "\n\n".join(part for part in parts if part)


def value_types() -> set[type]:
    """The classes of talktime that public methods take and return, with the classes of their fields."""
    found: set[type] = set()
    waiting = [
        cls
        for owner in (Talktime, ChatTimerManager, Tokens)
        for _, _, function in methods(owner)
        for annotation in function.__annotations__.values()
        for cls in _classes_in(_evaluated(annotation, function))
    ]
    while waiting:
        cls = waiting.pop()
        if cls in found or issubclass(cls, _DESCRIBED_ELSEWHERE):
            continue
        found.add(cls)
        if not issubclass(cls, enum.Enum):
            waiting += [below for _, annotation in _fields(cls) for below in _classes_in(_evaluated(annotation, cls))]
    return found


def _classes_in(annotation: Any) -> Iterator[type]:
    """The classes of talktime that an annotation names, such as `Account` in `list[Account] | None`."""
    if inspect.isclass(annotation) and annotation.__module__.partition(".")[0] == talktime.__name__:
        yield annotation
    elif origin := get_origin(annotation):
        inner = get_args(annotation)
        yield from _classes_in(origin)
        for each in inner[:1] if origin is Annotated else inner:
            yield from _classes_in(each)


def _evaluated(annotation: object, owner: Callable[..., Any]) -> Any:
    """An annotation, which may be a text in the source of its owner."""
    annotation = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    names = vars(importlib.import_module(owner.__module__))
    return eval(annotation, dict(names)) if isinstance(annotation, str) else annotation  # noqa: S307  our own source


def _fields(cls: type) -> list[tuple[str, object]]:
    """The fields of a class that has fields, each with its annotation."""
    if dataclasses.is_dataclass(cls):
        return [(field.name, field.type) for field in dataclasses.fields(cls) if field.init]
    return [(name, cls.__annotations__[name]) for name in getattr(cls, "_fields", ())]


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
        yield "One of " + ", ".join(f"`{name}.{member.name}` (`{member.value!r}`)" for member in cls) + "."
        return
    if issubclass(cls, TalktimeError):
        yield f"Code `{cls.code}`, HTTP status {int(cls.status)}."
    if fields := _fields(cls):
        yield "| field | type | is |\n| --- | --- | --- |\n" + "\n".join(_field(*field) for field in fields)
    for _, method, function in methods(cls):
        if isinstance(inspect.getattr_static(cls, method), property):
            returns, words = _type(inspect.signature(function).return_annotation)
            yield f"`{method}`, {returns}: {_markdown(inspect.getdoc(function) or words)}"
        elif method not in _IN_EVERY_CLASS or len(inspect.signature(function).parameters) > 1:
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
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    keyword = f"{_context_manager(function)}{'async ' if is_async else ''}def "
    text = f"{keyword}{name}{signature}"
    if len(text) > _LINE_MAX:
        lines: list[str] = []
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY and "    *," not in lines:
                lines.append("    *,")
            lines.append(f"    {parameter},")
        text = f"{keyword}{name}(\n" + "\n".join(lines) + f"\n) -> {returns!r}"
    return f"```python\n{text}\n```"


def _context_manager(function: Callable[..., Any]) -> str:
    """The decorator that makes a context manager of the function, as a line; "" if there is none."""
    decorators = re.findall(r"^\s*(@\w+)$", inspect.getsource(function).partition("def ")[0], re.MULTILINE)
    return "".join(f"{name}\n" for name in decorators if name in {"@contextmanager", "@asynccontextmanager"})


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
    kind, words = _type(annotation)
    return f"| `{name}` | {kind} | {words} |".replace("  |", " |")


def _type(annotation: object) -> tuple[str, str]:
    """The type of an annotation as code, and the words that `Annotated` says about it.

    A `|` between backticks needs no backslash in the site, and a backslash would be shown.
    """
    if isinstance(annotation, ForwardRef):  # a field of a named tuple
        annotation = annotation.__forward_arg__
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    without = _WithoutAnnotated()
    kind = ast.unparse(without.visit(ast.parse(text, mode="eval")))
    return f"`{kind}`", "; ".join(without.words)


class _WithoutAnnotated(ast.NodeTransformer):
    """Takes the types out of each `Annotated`, and keeps the words."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(_PLAIN.get(node.id, node.id))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not (isinstance(node.value, ast.Name) and node.value.id == "Annotated"):
            return self.generic_visit(node)
        assert isinstance(node.slice, ast.Tuple)  # noqa: S101  an annotation has at least two parts
        kind, *notes = node.slice.elts
        self.words += [note.value for note in notes if isinstance(note, ast.Constant) and isinstance(note.value, str)]
        inner: ast.AST = self.visit(kind)
        return inner


def _anchor(module_name: str) -> str:
    return f"module-{module_name.replace('.', '-')}"

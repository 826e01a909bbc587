"""What hosts and their programs can name of talktime, as lists of lines: one file in this folder for each interface.

    .venv/bin/python -m tests.surface.lists

writes the files from the code. Read the difference before you commit: `docs/reference/stability.md` says what is
breaking.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main
from starlette.routing import WebSocketRoute

from scripts.docsite.library_reference import MODULES, methods, public_names
from scripts.docsite.live_reference import asyncapi, messages_of
from talktime.asgi import create_app
from talktime.cli.app import app as command_line
from talktime.core.errors import TalktimeError
from talktime.service.live import routes as live_routes
from talktime.service.live.close_codes import CloseCode
from talktime.settings import PREFIX, Settings
from tests.services import SECRET
from tests.twins.browser import NODE

FOLDER: Final = Path(__file__).parent
CLIENT: Final = Path(__file__).parents[2] / "client"

_EXPORT: Final = re.compile(r'^export (?:type )?(\*|\{[^}]*\}) from "(.+?)";', re.MULTILINE)
_DECLARED: Final = re.compile(r"^export (?:interface|type|class|function|const) (\w+)", re.MULTILINE)


def python_names() -> Iterator[str]:
    """The public modules, their names, the fields and members of their classes, and the parameters of functions."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        yield module_name
        for name in public_names(module_name):
            yield from _python_lines(f"{module_name}.{name}", getattr(module, name))
    yield "talktime.asgi.app"  # made when it is imported: `tests/packaging` does that


def _python_lines(path: str, member: Any) -> Iterator[str]:
    if not inspect.isclass(member):
        yield f"{path}({_parameters(member)})"
        return
    yield path
    if issubclass(member, enum.Enum):
        yield from (f"{path}.{name} = {one.value!r}" for name, one in member.__members__.items())
        return
    if dataclasses.is_dataclass(member):
        yield from (f"{path}.{field.name}" for field in dataclasses.fields(member) if not field.name.startswith("_"))
    for _, name, function in methods(member):
        is_property = isinstance(inspect.getattr_static(member, name), property)
        yield f"{path}.{name}" if is_property else f"{path}.{name}({_parameters(function)})"


def _parameters(function: Any) -> str:
    """Names in their order, `*` before those that are only passed by name, `=` after those that have a default."""
    words: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in {"self", "cls"}:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        words.append(f"{stars}{parameter.name}{'' if parameter.default is parameter.empty else '='}")
    return ", ".join(words)


def commands() -> Iterator[str]:
    """The commands with their arguments, and a line for each option."""
    yield from _command_lines("talktime", typer.main.get_command(command_line))


def _command_lines(path: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    yield " ".join([path, *(argument.name.upper() for argument in arguments)])
    for parameter in command.params:
        if parameter.param_type_name == "option":
            yield f"{path} {' '.join([*parameter.opts, *parameter.secondary_opts])}"
    for name, below in getattr(command, "commands", {}).items():
        yield from _command_lines(f"{path} {name}", below)


def settings() -> Iterator[str]:
    """The settings, as environment variables."""
    for name in Settings.model_fields:
        yield f"{PREFIX}{name.upper()}"


def http_calls() -> Iterator[str]:
    """Method, path and name of each HTTP call, the live channel, and the code of each refusal."""
    application = create_app(Settings(secret=SECRET, test_clock=True))
    for path, operations in application.openapi()["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path} {operation['operationId']}"
    yield from (f"WEBSOCKET {route.path}" for route in live_routes.router.routes if isinstance(route, WebSocketRoute))
    yield from (f"refusal {error.status} {error.code}" for error in _below(TalktimeError))


def _below(error: type[TalktimeError]) -> Iterator[type[TalktimeError]]:
    for below in error.__subclasses__():
        if below.__module__.startswith("talktime."):
            yield below
        yield from _below(below)


def live_channel() -> Iterator[str]:
    """The messages in both directions, and the close codes."""
    for direction, action in (("screen to service", "receive"), ("service to screen", "send")):
        kinds = {
            message["payload"]["properties"]["type"]["const"] for message in messages_of(asyncapi(), action).values()
        }
        yield from (f"{direction}: {kind}" for kind in kinds)
    yield from (f"close code {code.value} {code.name.lower()}" for code in CloseCode)


def client() -> Iterator[str]:
    """The exports of the npm package, and what pages can name of the elements."""
    for entry in json.loads((CLIENT / "package.json").read_text("utf-8"))["exports"]:
        source = {".": "index"}.get(entry, entry.removeprefix("./"))
        package = "@talktime/client" + entry.removeprefix(".")
        yield package
        for name in _exports(CLIENT / "src" / f"{source}.ts"):
            yield f"{package}: {name}"
    for declaration in (one for module in _manifest()["modules"] for one in module["declarations"]):
        element = f"<{declaration['tagName']}>"
        yield element
        for kind in ("attributes", "members", "events", "cssParts", "cssProperties", "slots"):
            for one in declaration.get(kind, []):
                yield f"{element} {kind}: {one['name']}"


def _exports(file: Path) -> Iterator[str]:
    for what, source in _EXPORT.findall(file.read_text("utf-8")):
        if what == "*":
            yield from _DECLARED.findall((file.parent / source).read_text("utf-8"))
            yield from _exports(file.parent / source)
        else:
            yield from (name.removeprefix("type ").strip() for name in what.strip("{} \n").rstrip(",").split(", "))


def _manifest() -> Any:
    program = "import('./manifest.ts').then(({ manifest }) => console.log(JSON.stringify(manifest)))"
    printed = subprocess.run([NODE, "--eval", program], cwd=CLIENT, capture_output=True, text=True, check=True).stdout
    return json.loads(printed)


LISTS: Final = {
    "python": python_names,
    "commands": commands,
    "settings": settings,
    "http": http_calls,
    "live": live_channel,
    "client": client,
}
"""The file of each interface, and what makes its lines."""


def main() -> None:
    """Write the files."""
    for name, lines in LISTS.items():
        (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in sorted(set(lines()))), "utf-8")


if __name__ == "__main__":
    main()

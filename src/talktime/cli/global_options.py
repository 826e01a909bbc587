"""The options of every command, which may stand anywhere on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITH_VALUE: Final = ("--database-url", "--data-dir")
_ALONE: Final = ("--debug",)
_END: Final = "--"
_OTHER_ARGUMENTS: Final = "bench"
"""The command whose arguments belong to somebody else: the benchmark."""


def with_global_options_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options in front, where the program reads them."""
    first, others = _divided(arguments)
    return [*first, *others]


def words_of(arguments: Sequence[str]) -> str:
    """The command and its arguments, as typed: the words up to the first option, without control characters.

    Errors begin with these words. Options are left out, because they may contain the address of a database.
    """
    words: list[str] = []
    for argument in _divided(arguments)[1]:
        if argument.startswith("-"):
            break
        words.append("".join(character if character.isprintable() else "?" for character in argument))
    return " ".join(words)


def _divided(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options with their values, and the other arguments."""
    first: list[str] = []
    others: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in _ALONE or argument.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            first.append(argument)
        elif argument in _WITH_VALUE and rest:
            first += [argument, rest.pop(0)]
        else:
            others.append(argument)
            if argument in {_END, _OTHER_ARGUMENTS}:
                break
    return first, [*others, *rest]

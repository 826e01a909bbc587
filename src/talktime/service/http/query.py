"""The query of an address: a parameter that the call does not have is refused, as an unknown field of a body is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.dependencies.models import Dependant
    from starlette.requests import Request

NAME_LENGTH_MAX: Final = 80
"""How much of a parameter's name an error shows."""

REFUSED_MAX: Final = 20
"""How many unknown parameters an error names."""


def parameters_of(dependant: Dependant) -> frozenset[str]:
    """The names of the query parameters that a route and its dependencies read."""
    return frozenset(_names(dependant))


def require_known_parameters(request: Request, known: frozenset[str]) -> None:
    """Refuse a request whose address has a parameter that the call does not have.

    Raises:
        InvalidRequest: the errors name each such parameter, and say which parameters the call has.
    """
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        has = f"which has: {', '.join(sorted(known))}" if known else "which has no parameters"
        raise InvalidRequest(
            *(
                (name[:NAME_LENGTH_MAX] or "(empty)", f"is not a parameter of this call, {has}")
                for name in unknown[:REFUSED_MAX]
            )
        )


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _names(dependency)

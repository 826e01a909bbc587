"""The settings, their sources and their bounds.

A setting is looked up on the command line, then in the environment (`TALKTIME_PORT`), then in `talktime.toml` in the
working directory (`port = 8700`), and last its default is used. A value that is not allowed is refused when the program
starts; the message names the setting and says what is allowed.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "TALKTIME_"
FILE = "talktime.toml"
SECRET_LENGTH_MIN = 32

# Messages never show these values: the first is a secret, the second may contain a password.
_CONFIDENTIAL = {"secret", "database_url"}


class SettingsError(Exception):
    """A setting is not allowed. The message names the setting and says what is allowed."""


def _default_data_dir() -> Path:
    # For root the database runs as another user, who may not enter the home folder of root.
    return Path("/var/lib/talktime") if os.geteuid() == 0 else platformdirs.user_data_path("talktime")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


_ORIGIN = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _split(value: object) -> object:
    """A text with commas or spaces as a list. Other values stay as they are."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _origin(text: str) -> str:
    """An origin as browsers write it: in lower case, without a path."""
    origin = text.lower()
    # A pattern with * is refused, because it would allow sites that somebody registers later.
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{text!r} is not an origin")
    return origin


_Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)]
_Path = Annotated[Path, AfterValidator(_absolute)]
# Engine time is in whole milliseconds, so more than 3 decimals would have no effect.
_Seconds = Annotated[Decimal, Field(max_digits=None, decimal_places=3, le=1_000_000, allow_inf_nan=False)]

_SECONDS_ALLOWED = "a number of seconds {} 1000000, with at most 3 decimals"


class Settings(BaseSettings):
    """All settings. Durations are in seconds. `load_settings` turns every error into a `SettingsError`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, env_ignore_empty=True, extra="forbid", frozen=True
    )

    database_url: str | None = Field(
        default=None,
        repr=False,
        pattern=r"^postgres(ql)?://",
        description="a PostgreSQL address such as postgresql://user@host/talktime",
    )
    data_dir: _Path = Field(default_factory=_default_data_dir, description="a folder")
    host: str = Field(default="127.0.0.1", min_length=1, description="an address or name of this machine")
    port: int = Field(default=8700, ge=0, le=65535, description="a port from 0 (any free port) to 65535")
    secret: SecretStr | None = Field(default=None, description="text of at least 32 characters")
    secret_file: _Path | None = Field(default=None, description="a file")
    presence_lease_seconds: _Seconds = Field(
        default=Decimal(30), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to")
    )
    recharge_seconds: _Seconds = Field(default=Decimal(120), ge=0, description=_SECONDS_ALLOWED.format("from 0 to"))
    abandon_seconds: _Seconds = Field(default=Decimal(600), ge=0, description=_SECONDS_ALLOWED.format("from 0 to"))
    checkpoint_seconds: _Seconds = Field(
        default=Decimal(15), ge=0, description=_SECONDS_ALLOWED.format("from 0 (never) to")
    )
    health_seconds: _Seconds = Field(default=Decimal(5), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    audit_seconds: _Seconds = Field(default=Decimal(60), ge=0, description=_SECONDS_ALLOWED.format("from 0 (never) to"))
    test_clock: bool = Field(default=False, description="1 (never in production) or 0")
    topup_url: str | None = Field(
        default=None,
        # Any other scheme, such as javascript:, would be dangerous in a link.
        pattern=r"^(https?://|/)",
        description="an http(s) address or a path beginning with /",
    )
    origins: _Origins = Field(
        default=(), description="exact origins such as https://shop.example, separated by commas; no path, no *"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic calls by these names
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  and by this one
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def signing_secret(self) -> str:
        """The key that signs tokens: `secret`, or the content of `secret_file`, or a secret made on the first start.

        Raises:
            SettingsError: the secret cannot be read or made, or is too short.
        """
        if self.secret is not None:
            return _require_length(self.secret.get_secret_value(), f"{PREFIX}SECRET")
        if self.secret_file is not None:
            return _require_length(_read_secret(self.secret_file), f"{PREFIX}SECRET_FILE {self.secret_file}")
        path = self.data_dir / "secret"
        if not path.exists():
            _make_secret(path)
        return _require_length(_read_secret(path), f"The secret in {path}")


def load_settings(**command_line: Any) -> Settings:
    """The settings. Values of `command_line` that are not None come before all other sources.

    Raises:
        SettingsError: a setting is not allowed.
    """
    overrides = {name: value for name, value in command_line.items() if value is not None}
    try:
        return Settings(**overrides)
    except TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{FILE} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        # `from None`, because pydantic's own message would show the values.
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment that set nothing, each with the variable that was probably meant.

    They are not refused, because an older version must start with the variables of a newer one, and because Kubernetes
    makes variables of its own.
    """
    known = [name.upper() for name in Settings.model_fields]
    variables = {name.upper().removeprefix(PREFIX) for name in os.environ if name.upper().startswith(PREFIX)}
    matches = {name: get_close_matches(name, known, 1, cutoff=0.8) for name in sorted(variables.difference(known))}
    return {PREFIX + name: PREFIX + similar[0] for name, similar in matches.items() if similar}


def _explain(problem: ErrorDetails) -> str:
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{FILE} has an unknown setting {name!r}; the settings are: {', '.join(Settings.model_fields)}"
    value = "has a value that is not allowed" if name in _CONFIDENTIAL else f"is {str(problem['input'])[:100]!r}"
    return f"{PREFIX}{name.upper()} {value}: {_begin_small(problem['msg'])}; it must be {field.description}"


def _begin_small(message: str) -> str:
    return message[:1].lower() + message[1:]


def _require_length(secret: str, origin: str) -> str:
    if len(secret) < SECRET_LENGTH_MIN:
        raise SettingsError(
            f"{origin} has {len(secret)} characters: a secret that signs tokens needs at least {SECRET_LENGTH_MIN}"
        )
    return secret


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"The secret in {path} cannot be read: {reason}") from None


def _make_secret(path: Path) -> None:
    """Write a new secret in one step. If two programs start together, both use the secret of the first."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # NamedTemporaryFile makes the file with mode 0600.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as draft:
            draft.write(secrets.token_urlsafe(48) + "\n")
            draft.flush()
            os.fsync(draft.fileno())
            try:
                os.link(draft.name, path)
            except FileExistsError:
                return
    except OSError as error:
        raise SettingsError(f"No secret can be made in {path.parent}: {error.strerror}") from None

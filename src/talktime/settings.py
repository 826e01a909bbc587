"""The settings, their sources and their bounds.

A setting is looked up on the command line, or among the values that a program passes, then in the environment
(`TALKTIME_PORT`), then in `talktime.toml` in the working directory (`port = 8700`), and last its default is used. A
value that is not allowed is refused when the program starts; the message names the setting and says what is allowed.
"""

from __future__ import annotations

import contextlib
import grp
import hmac
import ipaddress
import os
import pwd
import re
import secrets
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import platformdirs
import structlog
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from talktime import extras

log = structlog.get_logger()

PREFIX = "TALKTIME_"

ADDRESS_PATTERN = r"^https?://[^/?#\s@]+(/[^?#\s]*)?$"
"""An address at which browsers reach the service."""
FILE = "talktime.toml"
SECRET_LENGTH_MIN = 32

RETIRED = {
    "checkpoint_seconds": (
        "A running record writes nothing, so there is nothing to set. Programs that read the database find the time and"
        " the cost of now in the views live_records and live_chats. Remove the setting."
    )
}
"""Settings of earlier versions, each with what to do. They are accepted and set nothing, so that a host can change the
version first and the settings later."""

SHARED = (
    "presence_lease_seconds",
    "leave_seconds",
    "recharge_seconds",
    "low_credit_seconds",
    "abandon_seconds",
    "outage_seconds",
    "messages_when_stopped",
    "keep_keys_days",
    "keep_messages_days",
    "keep_events_days",
    "topup_url",
    "name",
    "currency",
    "identity_issuer",
    "identity_audience",
    "test_clock",
)
"""The settings that must have the same value at all nodes of a database, because any node may do the work of another.
The fan-out and the secrets must be the same as well."""

# Messages never show these values: the first is a secret, the others may contain a password.
CONFIDENTIAL = {"secret", "accepted_secrets", "database_url", "fanout"}


class SettingsError(Exception):
    """A setting is not allowed. The message names the setting and says what is allowed."""


_SYSTEM_DATA_DIR = Path("/var/lib/talktime")


def _default_data_dir() -> Path:
    # For root the database runs as another user, who may not enter the home folder of root.
    if os.geteuid() == 0:
        return _SYSTEM_DATA_DIR
    # A process in a container may have neither HOME nor a name in the list of users, and then nobody knows its home.
    # Older versions of platformdirs answer with a relative path then.
    try:
        folder = platformdirs.user_data_path("talktime")
    except RuntimeError:
        return _SYSTEM_DATA_DIR
    return folder if folder.is_absolute() else _SYSTEM_DATA_DIR


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("this process has no home folder, so the path must begin with /") from None


# The pages of apps have schemes of their own, which no site can take.
_ORIGIN = re.compile(r"(https?|capacitor|ionic|tauri)://([a-z0-9.\-]+|\[[0-9a-f:]+\])(:\d{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://")


def _split(value: object) -> object:
    """A text with commas or spaces as a list. Other values stay as they are."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


_HOST = re.compile(r"[a-z0-9]([a-z0-9.\-]*[a-z0-9])?|[0-9a-f:]+")


def _host(text: str) -> str:
    """A name or an address as it stands in `Host`, in lower case and without a port."""
    host = text.lower().strip("[]")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not a name without a port")
    return host


def _origin(text: str) -> str:
    """An origin as browsers write it: in lower case, without a path."""
    origin = text.lower()
    # A pattern with * is refused, because it would allow sites that somebody registers later.
    if not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{text!r} is not an origin")
    return without_default_port(origin)


def without_default_port(origin: str) -> str:
    """An origin as browsers write it: `https://shop.example` for `https://shop.example:443`."""
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], ":"))


def _root_path(text: str) -> str:
    """A path without its last slash; the empty text for no path."""
    path = text.rstrip("/")
    if not is_root_path(path):
        raise ValueError(f"{text!r} is not a path")
    return path


def is_root_path(path: str) -> bool:
    """Whether the pages may be served below this path. Anything else could lead their links to another site."""
    return _ROOT_PATH.fullmatch(path) is not None and not {".", ".."} & {*path.split("/")}


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _without_driver(url: object) -> object:
    """Refuse the address of SQLAlchemy, which names a driver: a host has this address at hand."""
    driver = re.match(r"postgres(?:ql)?(\+\w{1,20})://", url) if isinstance(url, str) else None
    if driver is not None:
        raise ValueError(f"remove {driver[1]}, which is for SQLAlchemy")
    return url


_Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
_Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)]
_Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_split)]
_Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
_Path = Annotated[Path, AfterValidator(_absolute)]
_DatabaseUrl = Annotated[str, BeforeValidator(_without_driver)]
_RootPath = Annotated[str, AfterValidator(_root_path)]
# Engine time is in whole milliseconds, so more than 3 decimals would have no effect.
_Seconds = Annotated[Decimal, Field(max_digits=None, decimal_places=3, le=1_000_000, allow_inf_nan=False)]

_SECONDS_ALLOWED = "a number of seconds {} 1000000, with at most 3 decimals"


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """The identity of a host, whose tokens are accepted.

    `keys` is the address or the file of its public keys; the claims are those that name the role and the person.
    """

    issuer: str
    audience: str
    keys: str
    role_claim: str
    subject_claim: str


class _Environment(EnvSettingsSource):
    """The variables of the environment, without the one that Kubernetes makes for a Service named talktime.

    `TALKTIME_PORT=tcp://10.43.0.12:8700` is in every container of the namespace, and says nothing about this one.
    """

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if _SERVICE_LINK.match(str(values.get("port", ""))):
            log.info(
                "settings.service_link_ignored",
                setting=f"{PREFIX}PORT",
                value=values.pop("port"),
                why="Kubernetes sets it for a Service named talktime; to choose a port, use --port or talktime.toml",
            )
        return values


_SECRET_NAME_LENGTH = 16


def secret_name(secret: str) -> str:
    """The name of a secret, for the header of its tokens. Nobody can find the secret from the name."""
    return hmac.new(secret.encode(), b"talktime kid", "sha256").hexdigest()[:_SECRET_NAME_LENGTH]


def is_secret_name(text: str) -> bool:
    """Whether this text looks as the names that `secret_name` gives."""
    return len(text) == _SECRET_NAME_LENGTH and set(text) <= set("0123456789abcdef")


class Settings(BaseSettings):
    """All settings. Durations are in seconds. `load_settings` turns every error into a `SettingsError`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, env_ignore_empty=True, extra="forbid", frozen=True
    )

    database_url: _DatabaseUrl | None = Field(
        default=None,
        repr=False,
        pattern=r"^postgres(ql)?://",
        description="a PostgreSQL address such as postgresql://user@host/talktime",
    )
    fanout: str = Field(
        default="postgres",
        repr=False,
        pattern=r"^(postgres|polling|(rediss?|unix)://.+)$",
        description="postgres, polling, or the address of a Redis or Valkey such as redis://host:6379",
    )
    data_dir: _Path = Field(default_factory=_default_data_dir, description="a folder")
    host: str = Field(default="127.0.0.1", min_length=1, description="an address or name of this machine")
    port: int = Field(default=8700, ge=0, le=65535, description="a port from 0 (any free port) to 65535")
    root_path: _RootPath = Field(
        default="", description="a path such as /talktime, of letters, digits and the signs - . _ ~ between slashes"
    )
    secret: SecretStr | None = Field(default=None, description="text of at least 32 characters")
    secret_file: _Path | None = Field(default=None, description="a file")
    accepted_secrets: _Secrets = Field(
        default=(), description="texts of at least 32 characters, separated by commas or spaces"
    )
    accepted_secrets_file: _Path | None = Field(default=None, description="a file")
    identity_issuer: str | None = Field(default=None, min_length=1, max_length=1_000, description="the text of `iss`")
    identity_audience: str | None = Field(default=None, min_length=1, max_length=1_000, description="a text of `aud`")
    identity_keys: str | None = Field(
        default=None,
        # A program that can change what is read decides who is signed in, so only this machine is asked without TLS.
        pattern=r"^(https://[^/?#\s@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/\S*)?$|^/",
        description="an https address (http on this machine) or the path of a file",
    )
    identity_role_claim: str = Field(default="talktime_role", min_length=1, description="the name of a claim")
    identity_subject_claim: str = Field(default="sub", min_length=1, description="the name of a claim")
    presence_lease_seconds: _Seconds = Field(
        default=Decimal(30), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to")
    )
    leave_seconds: _Seconds = Field(default=Decimal(5), ge=0, description=_SECONDS_ALLOWED.format("from 0 to"))
    recharge_seconds: _Seconds = Field(default=Decimal(300), ge=0, description=_SECONDS_ALLOWED.format("from 0 to"))
    low_credit_seconds: _Seconds = Field(
        default=Decimal(120), ge=0, description=_SECONDS_ALLOWED.format("from 0 (never) to")
    )
    messages_when_stopped: str = Field(default="refuse", pattern=r"^(refuse|allow)$", description="refuse or allow")
    abandon_seconds: _Seconds = Field(default=Decimal(600), ge=0, description=_SECONDS_ALLOWED.format("from 0 to"))
    outage_seconds: _Seconds = Field(default=Decimal(3), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    health_seconds: _Seconds = Field(default=Decimal(5), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    audit_seconds: _Seconds = Field(default=Decimal(60), ge=0, description=_SECONDS_ALLOWED.format("from 0 (never) to"))
    database_seconds: _Seconds = Field(default=Decimal(7), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    connect_seconds: _Seconds = Field(default=Decimal(3), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    pool_size: int = Field(default=12, ge=2, le=1_000, description="a whole number from 2 to 1000")
    keep_keys_days: int = Field(
        default=7, ge=0, le=36_500, description="a whole number of days from 0 (for ever) to 36500"
    )
    keep_messages_days: int = Field(
        default=0, ge=0, le=36_500, description="a whole number of days from 0 (for ever) to 36500"
    )
    keep_events_days: int = Field(
        default=90, ge=0, le=36_500, description="a whole number of days from 0 (for ever) to 36500"
    )
    webhook_private: bool = Field(default=False, description="1 or 0")
    telemetry: bool = Field(default=False, description="1 or 0")
    test_clock: bool = Field(default=False, description="1 (never in production) or 0")
    topup_url: str | None = Field(
        default=None,
        # Any other scheme, such as javascript:, would be dangerous in a link.
        pattern=r"^(https?://|/)",
        description="an http(s) address or a path beginning with /",
    )
    address: str | None = Field(
        default=None,
        pattern=ADDRESS_PATTERN,
        description="an http(s) address such as https://shop.example/talktime, without ? and #",
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="the name of who sells the time, at most 200 characters"
    )
    currency: str | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="a code of ISO 4217 such as EUR, in capitals"
    )
    origins: _Origins = Field(
        default=(), description="exact origins such as https://shop.example, separated by commas; no path, no *"
    )
    hosts: _Hosts = Field(default=(), description="names such as talk.example, separated by commas; no port, no *")
    proxies: _Networks = Field(
        default=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")),
        description="addresses or networks such as 10.0.0.0/8, separated by commas",
    )
    connections: int = Field(default=10_000, ge=10, le=1_000_000, description="a whole number from 10 to 1000000")
    connections_per_address: int = Field(
        default=200, ge=1, le=1_000_000, description="a whole number from 1 to 1000000"
    )
    request_seconds: _Seconds = Field(default=Decimal(15), gt=0, description=_SECONDS_ALLOWED.format("above 0, up to"))
    requests_per_second: int = Field(default=50, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
    sockets_per_person: int = Field(default=20, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")

    @model_validator(mode="before")
    @classmethod
    def _drop_retired(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Say which settings have no effect any more, whatever their source, and leave them out."""
        variables = {name.upper() for name, value in os.environ.items() if value}
        for name, advice in RETIRED.items():
            if name in values or PREFIX + name.upper() in variables:
                log.warning("settings.retired", setting=PREFIX + name.upper(), advice=advice)
        return {name: value for name, value in values.items() if name not in RETIRED}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic calls by these names
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  and by this one
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  and by this one
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls)

    def signing_secret(self) -> str:
        """The key that signs tokens: `secret`, or the content of `secret_file`, or a secret made on the first start.

        Raises:
            SettingsError: the secret cannot be read or made, or is too short, or two settings name one.
        """
        if self.secret is not None and self.secret_file is not None:
            raise SettingsError(
                f"{PREFIX}SECRET and {PREFIX}SECRET_FILE are both set, and only one can sign. Unset one of the two."
            )
        if self.secret is not None:
            return _require_length(self.secret.get_secret_value().strip(), f"{PREFIX}SECRET")
        if self.secret_file is not None:
            secret = _read_named_secret("SECRET_FILE", self.secret_file)
            return _require_length(secret, f"{PREFIX}SECRET_FILE {self.secret_file}")
        path = self.data_dir / "secret"
        advice = f"Set {PREFIX}SECRET, or choose a folder that this process may read and write: {PREFIX}DATA_DIR"
        try:
            if not path.exists():
                _make_secret(path)
        except OSError as error:
            raise SettingsError(f"No secret can be made in {path.parent}: {error.strerror}. {advice}") from None
        return _require_length(_read_secret(path, advice), f"The secret in {path}")

    def identity(self) -> IdentitySettings | None:
        """The identity whose tokens are accepted beside talktime's own; None for no other tokens.

        Raises:
            SettingsError: only some of the settings are there.
        """
        named = {
            "IDENTITY_ISSUER": self.identity_issuer,
            "IDENTITY_AUDIENCE": self.identity_audience,
            "IDENTITY_KEYS": self.identity_keys,
        }
        if not any(named.values()):
            return None
        missing = [PREFIX + name for name, value in named.items() if not value]
        if missing:
            raise SettingsError(f"{' and '.join(missing)} must be set, too: without them, tokens of others would count")
        return IdentitySettings(
            str(self.identity_issuer),
            str(self.identity_audience),
            str(self.identity_keys),
            self.identity_role_claim,
            self.identity_subject_claim,
        )

    def other_secrets(self) -> tuple[str, ...]:
        """The keys whose tokens are accepted as well: `accepted_secrets`, and the lines of `accepted_secrets_file`.

        Raises:
            SettingsError: a secret cannot be read, or is too short.
        """
        variable = f"{PREFIX}ACCEPTED_SECRETS"
        named = [
            _require_length(secret.get_secret_value(), f"A secret of {variable}") for secret in self.accepted_secrets
        ]
        if self.accepted_secrets_file is None:
            return tuple(named)
        lines = _read_named_secret("ACCEPTED_SECRETS_FILE", self.accepted_secrets_file).splitlines()
        origin = f"A secret of {variable}_FILE {self.accepted_secrets_file}"
        return (*named, *(_require_length(line.strip(), origin) for line in lines if line.strip()))

    def shared(self) -> dict[str, str]:
        """The settings that all nodes of a database must share, as texts. Of addresses and secrets, the names alone.

        A secret that this process would make, but has not made, is left out: a host without the service needs none.
        """
        shared = {name: _as_text(getattr(self, name)) for name in SHARED}
        shared["fanout"] = secret_name(self.fanout) if "://" in self.fanout else self.fanout
        if self.secret or self.secret_file or (self.data_dir / "secret").exists():
            with contextlib.suppress(SettingsError):  # who needs the secret is told
                names = {secret_name(secret) for secret in (self.signing_secret(), *self.other_secrets())}
                shared["secret"] = ", ".join(sorted(names))
        return shared


def sources(**command_line: Any) -> dict[str, str]:
    """Where the value of each setting comes from: `command line`, `environment`, the settings file, or `default`.

    Args:
        command_line: the values that the command line gives, by setting; None for no value.
    """
    in_file: set[str] = set()
    if Path(FILE).is_file():
        in_file = set(tomllib.loads(Path(FILE).read_text("utf-8")))
    variables = {name.upper() for name, value in os.environ.items() if value}
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        if command_line.get(name) is not None:
            found[name] = "command line"
        elif PREFIX + name.upper() in variables:
            found[name] = "environment"
        else:
            found[name] = FILE if name in in_file else "default"
    return found


def load_settings(**values: Any) -> Settings:
    """The settings, for the argument `settings` of `Talktime.connect`, `Talktime.blocking` and `create_app`.

    Args:
        values: settings by their names in small letters, without `TALKTIME_`, such as `presence_lease_seconds=60`. They
            come before the environment and `talktime.toml`, which give all other settings. None is no value.

    Raises:
        SettingsError: a setting is not allowed, or there is no setting of this name.
        MissingExtra: a setting needs a part of talktime that is not installed.
    """
    overrides = {name: value for name, value in values.items() if value is not None}
    _require_own_file(Path(FILE))
    try:
        settings = Settings(**overrides)
    except TOMLDecodeError as error:
        raise SettingsError(f"{FILE} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{FILE} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        # `from None`, because pydantic's own message would show the values.
        raise SettingsError("\n".join(_explain(problem, overrides) for problem in error.errors())) from None
    if "://" in settings.fanout:
        extras.require("redis")
    return settings


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment that set nothing, each with the variable that was probably meant.

    They are not refused, because an older version must start with the variables of a newer one, and because Kubernetes
    makes variables of its own.
    """
    known = [name.upper() for name in Settings.model_fields]
    retired = [name.upper() for name in RETIRED]
    variables = {name.upper().removeprefix(PREFIX) for name in os.environ if name.upper().startswith(PREFIX)}
    matches = {
        name: get_close_matches(name, known, 1, cutoff=0.8) for name in sorted(variables.difference(known, retired))
    }
    return {PREFIX + name: PREFIX + similar[0] for name, similar in matches.items() if similar}


def _require_own_file(path: Path) -> None:
    """Refuse a settings file through which somebody else could choose the secret or the database.

    The file, and the link to the file if there is one, must belong to the user of this process or to root. Nobody else
    may write to the file. The group may write if it is the owner's own group, which many systems make for each user.

    Raises:
        SettingsError: the file is refused. The message says what to do.
    """
    try:
        statuses = [path.lstat(), path.stat()]
    except OSError:
        return  # there is no file, or reading the file will say why not
    for status in statuses:
        if status.st_uid not in {os.geteuid(), 0}:
            raise SettingsError(
                f"{path.absolute()} belongs to the user {status.st_uid}, who could choose your settings. If the file is"
                f" yours, run: chown {os.geteuid()} {FILE}; otherwise start talktime in another folder."
            )
    status = statuses[-1]
    group = status.st_mode & stat.S_IWGRP and not _is_own_group(status)
    if status.st_mode & stat.S_IWOTH or group:
        raise SettingsError(
            f"{path.absolute()} may be written by {'its group' if group else 'everybody'}, who could choose your"
            f" settings. Look what is in the file, then run: chmod go-w {FILE}"
        )


def _is_own_group(status: os.stat_result) -> bool:
    """Whether the group of a file has no other member than the owner of the file."""
    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return owner.pw_gid == group.gr_gid and owner.pw_name == group.gr_name and not {*group.gr_mem} - {owner.pw_name}


def _explain(problem: ErrorDetails, overrides: Mapping[str, Any]) -> str:
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        unknown = f"There is no setting {name!r}" if name in overrides else f"{FILE} has an unknown setting {name!r}"
        return f"{unknown}; the settings are: {', '.join(Settings.model_fields)}"
    is_hidden = name in CONFIDENTIAL and problem["input"] != ""
    value = "has a value that is not allowed" if is_hidden else f"is {str(problem['input'])[:100]!r}"
    # A pattern says nothing to a person that the description does not say in words.
    is_pattern = problem["type"] == "string_pattern_mismatch"
    why = "" if is_pattern else f": {_begin_small(problem['msg'].removeprefix('Value error, '))}"
    return f"{PREFIX}{name.upper()} {value}{why}; it must be {field.description}"


def _begin_small(message: str) -> str:
    return message[:1].lower() + message[1:]


def _as_text(value: object) -> str:
    """A value as a text that is the same for equal values: `30` for 30.0."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _require_length(secret: str, origin: str) -> str:
    if len(secret) < SECRET_LENGTH_MIN:
        raise SettingsError(
            f"{origin} has {len(secret)} characters: a secret that signs tokens needs at least {SECRET_LENGTH_MIN}"
        )
    return secret


def _read_named_secret(setting: str, path: Path) -> str:
    return _read_secret(path, f"{PREFIX}{setting} must name a text file that this process may read")


def _read_secret(path: Path, advice: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"The secret in {path} cannot be read: {reason}. {advice}") from None


def _make_secret(path: Path) -> None:
    """Write a new secret in one step. If two programs start together, both use the secret of the first.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # NamedTemporaryFile makes the file with mode 0600.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as draft:
        draft.write(secrets.token_urlsafe(48) + "\n")
        draft.flush()
        os.fsync(draft.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft.name, path)

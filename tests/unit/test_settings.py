"""Settings: the order of their sources, their bounds, and what a refusal says."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from talktime.asgi import create_app
from talktime.settings import Settings, SettingsError, load_settings, misspelt_variables

LONG = "k" * 32


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory and an environment that set nothing."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TALKTIME_{name.upper()}", raising=False)


def test_defaults() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8700)
    assert settings.presence_lease_seconds == 30
    assert settings.recharge_seconds == 120
    assert settings.abandon_seconds == 600
    assert settings.checkpoint_seconds == 15
    assert settings.health_seconds == 5
    assert not settings.test_clock


def test_command_line_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("talktime.toml").write_text("port = 1\nhost = 'file'\nrecharge_seconds = 2.5\n")
    monkeypatch.setenv("TALKTIME_PORT", "2")
    monkeypatch.setenv("TALKTIME_HOST", "environment")
    settings = load_settings(port=3, host=None)
    assert (settings.port, settings.host) == (3, "environment")
    assert settings.recharge_seconds == Decimal("2.5")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKTIME_DATABASE_URL", "")
    assert load_settings().database_url is None


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("PORT", "eighty", ["TALKTIME_PORT", "'eighty'", "65535"]),
        ("PORT", "65536", ["TALKTIME_PORT", "'65536'", "65535"]),
        ("PRESENCE_LEASE_SECONDS", "0", ["TALKTIME_PRESENCE_LEASE_SECONDS", "above 0"]),
        ("RECHARGE_SECONDS", "-1", ["TALKTIME_RECHARGE_SECONDS", "from 0"]),
        ("ABANDON_SECONDS", "1000000.001", ["TALKTIME_ABANDON_SECONDS", "1000000"]),
        ("ABANDON_SECONDS", "nan", ["TALKTIME_ABANDON_SECONDS", "a number of seconds"]),
        ("CHECKPOINT_SECONDS", "0.0001", ["TALKTIME_CHECKPOINT_SECONDS", "3 decimals"]),
        ("TEST_CLOCK", "perhaps", ["TALKTIME_TEST_CLOCK", "'perhaps'"]),
        ("TOPUP_URL", "javascript:alert(1)", ["TALKTIME_TOPUP_URL", "http(s)"]),
        ("ORIGINS", "https://shop.example, *", ["TALKTIME_ORIGINS", "exact origins"]),
        ("ORIGINS", "https://shop.example/", ["TALKTIME_ORIGINS", "no path"]),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", ["TALKTIME_DATABASE_URL", "postgresql://"]),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, parts: list[str]
) -> None:
    monkeypatch.setenv(f"TALKTIME_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    message = str(refused.value)
    assert all(part in message for part in parts), message
    assert "hunter2" not in message


@pytest.mark.parametrize("seconds", ["1000000", "0.5"])
def test_seconds_may_be_long_and_have_decimals(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("TALKTIME_PRESENCE_LEASE_SECONDS", seconds)
    assert load_settings().presence_lease_seconds == Decimal(seconds)


def test_origins_are_a_text_in_the_environment_and_may_be_a_list_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("talktime.toml").write_text("origins = ['https://shop.example']\n")
    assert load_settings().origins == ("https://shop.example",)
    monkeypatch.setenv("TALKTIME_ORIGINS", "https://Shop.example, http://127.0.0.1:8000")
    assert load_settings().origins == ("https://shop.example", "http://127.0.0.1:8000")


@pytest.mark.parametrize("content", ["prot = 1", "port = "])
def test_a_bad_file_is_named(content: str) -> None:
    Path("talktime.toml").write_text(content)
    with pytest.raises(SettingsError, match=r"talktime\.toml"):
        load_settings()


def test_the_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKTIME_SECRET", LONG)
    monkeypatch.setenv("TALKTIME_DATABASE_URL", "postgresql://u:hunter2@h/d")
    settings = load_settings()
    assert LONG not in repr(settings)
    assert "hunter2" not in repr(settings)
    assert settings.signing_secret() == LONG


def test_a_short_secret_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKTIME_SECRET", "hunter2")
    with pytest.raises(SettingsError, match=r"TALKTIME_SECRET has 7 characters.*at least 32") as refused:
        load_settings().signing_secret()
    assert "hunter2" not in str(refused.value)


def test_the_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "signing"
    file.write_text(LONG + "\n")
    assert load_settings(secret_file=file).signing_secret() == LONG
    file.write_text("short")
    with pytest.raises(SettingsError, match=r"SECRET_FILE .*signing has 5 characters"):
        load_settings(secret_file=file).signing_secret()
    file.unlink()
    with pytest.raises(SettingsError, match="signing cannot be read"):
        load_settings(secret_file=file).signing_secret()


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "new" / "data")
    with ThreadPoolExecutor(8) as together:
        made = set(together.map(lambda _: settings.signing_secret(), range(32)))
    assert len(made) == 1
    assert len(made.pop()) >= 32
    assert stat.S_IMODE((settings.data_dir / "secret").stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret"]


def test_a_misspelt_variable_is_named_with_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TALKTIME_DATABSE_URL", "TALKTIME_ORIGIN", "TALKTIME_PORT", "TALKTIME_SERVICE_HOST"):
        monkeypatch.setenv(name, "8000")
    assert misspelt_variables() == {
        "TALKTIME_DATABSE_URL": "TALKTIME_DATABASE_URL",
        "TALKTIME_ORIGIN": "TALKTIME_ORIGINS",
    }
    with capture_logs() as said:
        create_app(load_settings(secret=LONG))
    assert [(event["event"], event["variable"], event["did_you_mean"]) for event in said] == [
        ("settings.misspelt_variable", "TALKTIME_DATABSE_URL", "TALKTIME_DATABASE_URL"),
        ("settings.misspelt_variable", "TALKTIME_ORIGIN", "TALKTIME_ORIGINS"),
    ]

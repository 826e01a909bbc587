"""Settings: the order of their sources, their bounds, and what a refusal says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from talktime.asgi import create_app
from talktime.settings import Settings, SettingsError, load_settings, misspelt_variables

LONG = "k" * 32
STRANGER = 54_321

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")


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
    assert settings.recharge_seconds == 300
    assert settings.abandon_seconds == 600
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
        ("KEEP_KEYS_DAYS", "-1", ["TALKTIME_KEEP_KEYS_DAYS", "from 0 (for ever)"]),
        ("KEEP_MESSAGES_DAYS", "1.5", ["TALKTIME_KEEP_MESSAGES_DAYS", "a whole number of days"]),
        ("TEST_CLOCK", "perhaps", ["TALKTIME_TEST_CLOCK", "'perhaps'"]),
        ("TOPUP_URL", "javascript:alert(1)", ["TALKTIME_TOPUP_URL", "http(s)"]),
        ("ORIGINS", "https://shop.example, *", ["TALKTIME_ORIGINS", "exact origins"]),
        ("ORIGINS", "https://shop.example/", ["TALKTIME_ORIGINS", "no path"]),
        ("FANOUT", "kafka://u:hunter2@h", ["TALKTIME_FANOUT", "postgres, polling"]),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", ["TALKTIME_DATABASE_URL", "postgresql://"]),
        ("DATABASE_URL", "postgresql+asyncpg://u:hunter2@h/d", ["remove +asyncpg, which is for SQLAlchemy;"]),
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


def test_an_empty_address_is_said_to_be_empty_and_another_one_is_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"^TALKTIME_DATABASE_URL is ''; it must be a PostgreSQL address"):
        load_settings(database_url="")
    with pytest.raises(SettingsError, match="has a value that is not allowed") as refused:
        load_settings(database_url="mysql://shop:hidden@db/shop")
    assert "hidden" not in str(refused.value)


def test_a_program_that_names_no_setting_is_not_sent_to_the_file() -> None:
    with pytest.raises(SettingsError, match=r"^There is no setting 'lease'; the settings are: database_url, "):
        load_settings(lease=60)


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


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o400])
def test_a_file_of_ours_is_read(mode: int) -> None:
    Path("talktime.toml").write_text("port = 7")
    Path("talktime.toml").chmod(mode)
    assert load_settings().port == 7


@pytest.mark.parametrize(("mode", "who"), [(0o666, "everybody"), (0o602, "everybody")])
def test_a_file_that_others_may_write_is_refused(mode: int, who: str) -> None:
    Path("talktime.toml").write_text("port = 7")
    Path("talktime.toml").chmod(mode)
    with pytest.raises(SettingsError, match=rf"talktime\.toml may be written by {who}.*chmod go-w talktime\.toml"):
        load_settings()


@needs_root
def test_a_file_that_its_group_may_write_is_refused_unless_the_group_is_the_owners_own() -> None:
    file = Path("talktime.toml")
    file.write_text("port = 7")
    file.chmod(0o664)
    assert load_settings().port == 7  # the group of root has no other member
    os.chown(file, 0, STRANGER)
    with pytest.raises(SettingsError, match=r"may be written by its group.*chmod go-w"):
        load_settings()


@needs_root
def test_a_file_of_somebody_else_is_refused() -> None:
    file = Path("talktime.toml")
    file.write_text("port = 7")
    os.chown(file, STRANGER, STRANGER)
    with pytest.raises(SettingsError, match=rf"belongs to the user {STRANGER}.*chown 0 talktime\.toml"):
        load_settings()
    # Nor a link of somebody else, wherever it leads.
    file.rename("elsewhere.toml")
    os.chown("elsewhere.toml", 0, 0)
    file.symlink_to("elsewhere.toml")
    assert load_settings().port == 7
    os.chown(file, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(SettingsError, match=f"belongs to the user {STRANGER}"):
        load_settings()


@pytest.mark.parametrize("source", ["environment", "file", "keyword"])
def test_a_retired_setting_sets_nothing_and_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    keywords = {"checkpoint_seconds": 15} if source == "keyword" else {}
    if source == "environment":
        monkeypatch.setenv("TALKTIME_CHECKPOINT_SECONDS", "15")
    elif source == "file":
        Path("talktime.toml").write_text("checkpoint_seconds = 15\n")
    with capture_logs() as said:
        settings = load_settings(**keywords)
    assert not hasattr(settings, "checkpoint_seconds")
    (notice,) = said
    assert (notice["event"], notice["setting"]) == ("settings.retired", "TALKTIME_CHECKPOINT_SECONDS")
    assert all(word in notice["advice"] for word in ("live_records", "live_chats", "Remove"))
    assert misspelt_variables() == {}


def test_settings_without_a_retired_one_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKTIME_CHECKPOINT_SECONDS", "")  # an empty variable counts as not set
    with capture_logs() as said:
        load_settings()
    assert said == []


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
    with pytest.raises(SettingsError, match=r"signing cannot be read.*TALKTIME_SECRET_FILE must name a text file"):
        load_settings(secret_file=file).signing_secret()


def test_two_settings_that_name_a_secret_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who rotates by a file must not go on signing with the old secret of the environment."""
    file = tmp_path / "signing"
    file.write_text(LONG + "\n")
    monkeypatch.setenv("TALKTIME_SECRET", LONG + "1")
    with pytest.raises(SettingsError, match="TALKTIME_SECRET and TALKTIME_SECRET_FILE are both set"):
        load_settings(secret_file=file).signing_secret()


def test_other_secrets_are_accepted_and_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "accepted"
    file.write_text(f"{LONG}3\n\n{LONG}4\n")
    monkeypatch.setenv("TALKTIME_ACCEPTED_SECRETS", f"{LONG}1, {LONG}2")
    settings = load_settings(accepted_secrets_file=file)
    assert settings.other_secrets() == (LONG + "1", LONG + "2", LONG + "3", LONG + "4")
    assert LONG not in repr(settings)
    file.write_text(f"a text with spaces, {LONG}\n")
    assert load_settings(accepted_secrets_file=file).other_secrets()[2:] == (f"a text with spaces, {LONG}",)
    file.write_text(f"{LONG}\nshort")
    with pytest.raises(SettingsError, match=r"ACCEPTED_SECRETS_FILE .*accepted has 5 characters"):
        load_settings(accepted_secrets_file=file).other_secrets()
    monkeypatch.setenv("TALKTIME_ACCEPTED_SECRETS", f"{LONG},hunter2")
    with pytest.raises(SettingsError, match=r"TALKTIME_ACCEPTED_SECRETS has 7 characters") as refused:
        load_settings().other_secrets()
    assert "hunter2" not in str(refused.value)
    assert load_settings(accepted_secrets=()).other_secrets() == ()


def test_an_identity_is_set_whole_or_not_at_all(tmp_path: Path) -> None:
    assert load_settings().identity() is None
    whole = {"identity_issuer": "https://id.example/", "identity_audience": "talktime", "identity_keys": "/jwks.json"}
    identity = load_settings(**whole).identity()
    assert identity is not None
    assert (identity.keys, identity.role_claim, identity.subject_claim) == ("/jwks.json", "talktime_role", "sub")
    for missing in whole:
        with pytest.raises(SettingsError, match=f"TALKTIME_{missing.upper()} must be set, too"):
            load_settings(**{**whole, missing: None}).identity()


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        ("https://id.example/jwks.json", True),
        ("https://id.example", True),
        ("http://127.0.0.1:9000/jwks", True),
        ("http://localhost/jwks", True),
        ("/etc/talktime/jwks.json", True),
        ("http://id.example/jwks.json", False),
        ("http://localhost.evil.example/jwks", False),
        ("http://127.0.0.1@evil.example/", False),
        ("ftp://id.example/jwks", False),
        ("file:///etc/passwd", False),
        ("jwks.json", False),
    ],
)
def test_the_keys_of_an_identity_come_by_tls_or_from_this_machine(keys: str, allowed: bool) -> None:
    if allowed:
        assert load_settings(identity_keys=keys).identity_keys == keys
    else:
        with pytest.raises(SettingsError, match="TALKTIME_IDENTITY_KEYS"):
            load_settings(identity_keys=keys)


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


def test_the_address_of_a_service_in_kubernetes_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TALKTIME_PORT": "tcp://10.43.0.12:8700",
        "TALKTIME_SERVICE_HOST": "10.43.0.12",
        "TALKTIME_SERVICE_PORT": "8700",
        "TALKTIME_PORT_8700_TCP": "tcp://10.43.0.12:8700",
        "TALKTIME_PORT_8700_TCP_PROTO": "tcp",
        "TALKTIME_PORT_8700_TCP_PORT": "8700",
        "TALKTIME_PORT_8700_TCP_ADDR": "10.43.0.12",
    }.items():
        monkeypatch.setenv(name, value)
    with capture_logs() as logs:
        assert load_settings().port == 8700
        assert load_settings(port=9000).port == 9000
        Path("talktime.toml").write_text("port = 9001\n")
        assert load_settings().port == 9001
    assert {line["event"] for line in logs} == {"settings.service_link_ignored"}
    assert misspelt_variables() == {}


@pytest.mark.parametrize(("given", "path"), [("/", ""), ("/talktime/", "/talktime"), ("/a/b-c", "/a/b-c"), ("", "")])
def test_a_root_path_has_no_slash_at_its_end(given: str, path: str) -> None:
    assert load_settings(root_path=given).root_path == path


@pytest.mark.parametrize("given", ["talktime", "//evil.example", "https://evil.example", "/a b", "/../b"])
def test_a_root_path_that_could_lead_elsewhere_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="TALKTIME_ROOT_PATH"):
        load_settings(root_path=given)


def test_a_process_without_home_and_without_name_has_settings(tmp_path: Path) -> None:
    # setuid in the child: the number has no name, and the variable HOME is not there.
    program = (
        "import os, sys\n"
        "from talktime.settings import SettingsError, load_settings\n"
        "load_settings()  # only root may read the files of this Python\n"
        f"if os.geteuid() == 0: os.setuid({STRANGER})\n"
        "print(load_settings().data_dir)\n"
        "try: load_settings(data_dir='~/data')\n"
        "except SettingsError as error: print(error)\n"
        "try: load_settings().signing_secret()\n"
        "except SettingsError as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd="/", env={"PATH": os.defpath}
    )
    folder, relative, secret = ended.stdout.splitlines()
    assert folder == "/var/lib/talktime"
    assert "must begin with /" in relative
    # The folder may be there, with the secret of a service on this machine.
    assert "TALKTIME_SECRET" in secret
    assert "TALKTIME_DATA_DIR" in secret


@pytest.mark.parametrize("closed", ["the secret", "the folder of the secret", "the folder above"])
def test_a_secret_that_the_process_may_not_read_or_make_is_told_with_what_to_do(closed: str) -> None:
    program = (
        "import os, sys\n"
        "from talktime.settings import SettingsError, load_settings\n"
        "settings = load_settings(data_dir=sys.argv[1])\n"
        f"if os.geteuid() == 0: os.setuid({STRANGER})\n"
        "try: settings.signing_secret()\n"
        "except SettingsError as error: print(error)\n"
    )
    # Other users may not enter the folder that pytest makes for a test.
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "data")
        folder.mkdir()
        secret = folder / "secret"
        secret.write_text(LONG)
        Path(above).chmod(0o755)
        path = {"the secret": secret, "the folder of the secret": folder, "the folder above": Path(above)}[closed]
        path.chmod(0)
        ended = subprocess.run(
            [sys.executable, "-c", program, str(folder)], check=True, capture_output=True, text=True, cwd="/"
        )
        Path(above).chmod(0o700)
        folder.chmod(0o700)
    assert "Permission denied" in ended.stdout
    assert "Set TALKTIME_SECRET, or choose a folder" in ended.stdout
    assert "TALKTIME_DATA_DIR" in ended.stdout

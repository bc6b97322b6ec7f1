"""Settings: from the environment and nowhere else, refused where they make no sense, and printed with no secret in them."""

import os
import pickle
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.main import app
from server.settings import Settings, load_settings, masked, unknown_variables


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables of the machine's, no ``.env`` of the checkout's."""
    for name in os.environ:
        if name.startswith("BAYGRID_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_api_document(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.login_rate, settings.write_rate) == ("10/minute", "120/minute")
    assert (settings.sockets_per_account, settings.sockets_per_address) == (20, 500)
    assert settings.mode == "full"
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.secret_keys is None
    assert settings.now is None
    assert settings.data_dir == tmp_path / ".baygrid"


def test_variables_are_read_and_arguments_come_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYGRID_PORT", "9000")
    monkeypatch.setenv("BAYGRID_HOST", "0.0.0.0")
    monkeypatch.setenv("BAYGRID_ALLOWED_ORIGINS", "https://a.example, https://b.example/")
    settings = load_settings(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")
    assert settings.allowed_origins == {"https://a.example", "https://b.example"}


def test_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYGRID_DATABASE_URL", "")
    assert load_settings().database_url is None


def test_dotenv_is_read_in_development_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BAYGRID_PORT=9002\nOTHER=1\n")
    assert load_settings().port == 9002
    monkeypatch.setenv("BAYGRID_ENV", "production")
    assert load_settings().port == 8000


def test_dotenv_cannot_declare_production(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BAYGRID_ENV=production\n")
    with pytest.raises(ConfigurationError, match="must be set in the environment"):
        load_settings()


def test_t7_now_is_an_instant_and_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYGRID_NOW", "2027-06-05T16:00:00+02:00")
    assert load_settings().clock_start == 1_812_204_000
    monkeypatch.setenv("BAYGRID_ENV", "production")
    with pytest.raises(ConfigurationError, match="BAYGRID_NOW is refused"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAYGRID_PORT", "70000"),
        ("BAYGRID_PORT", "secret-value"),
        ("BAYGRID_MODE", "secret-value"),
        ("BAYGRID_NOW", "2027-06-05T16:00:00"),
        ("BAYGRID_DATABASE_URL", "mysql://user:secret-value@host/db"),
        ("BAYGRID_REDIS_URL", "secret-value"),
        ("BAYGRID_LOGIN_RATE", "secret-value"),
        ("BAYGRID_LOGIN_RATE", "0/minute"),
        ("BAYGRID_ALLOWED_ORIGINS", "https://a.example/path"),
    ],
)
def test_nonsense_is_refused_by_name_and_its_value_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{name}: ")
    assert "secret-value" not in str(refused.value)


def test_secrets_are_masked_wherever_settings_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "BAYGRID_DATABASE_URL", "postgresql://baygrid:hush@db:5432/grid?sslpassword=hush&sslmode=require"
    )
    monkeypatch.setenv("BAYGRID_REDIS_URL", "redis://:hush@cache:6379/0")
    monkeypatch.setenv("BAYGRID_SECRET_KEYS", "hush")
    settings = load_settings()
    assert masked(settings)["BAYGRID_DATABASE_URL"] == (
        "postgresql://baygrid:********@db:5432/grid?sslpassword=********&sslmode=require"
    )
    with pytest.raises(SystemExit):
        app(["settings"])
    printed = capsys.readouterr()
    assert "BAYGRID_REDIS_URL=redis://:********@cache:6379/0" in printed.out
    assert "hush" not in printed.out + printed.err + repr(settings) + str(settings)
    assert settings.redis_url == "redis://:hush@cache:6379/0"


def test_misspelt_variables_are_pointed_out() -> None:
    assert unknown_variables({"BAYGRID_PROT": "1", "BAYGRID_PORT": "1", "HOME": "/"}) == ["BAYGRID_PROT"]


def test_settings_travel_to_worker_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYGRID_SECRET_KEYS", "hush")
    settings = load_settings()
    copied: Settings = pickle.loads(pickle.dumps(settings))
    assert copied == settings
    with pytest.raises(ValueError, match="frozen"):
        copied.port = 1  # type: ignore[misc]  # that it cannot be assigned is what is tested

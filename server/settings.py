"""Every setting of the server, each an environment variable ``BAYGRID_*``: the only place that reads the environment.

Belongs here: names, defaults, which values make sense, and which do not go together. Does not belong here: what a setting
does. Whoever needs one is handed the ``Settings`` or the value.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.errors import ConfigurationError
from server.principal import Mode

__all__ = ["Settings", "load_settings", "masked", "unknown_variables"]

PREFIX: Final = "BAYGRID_"
MASK: Final = "********"
RATE: Final = re.compile(r"[1-9]\d*/([1-9]\d* ?)?(second|minute|hour|day)")


def _rate(text: str) -> str:
    if not RATE.fullmatch(text):
        raise ValueError("expected COUNT/PERIOD, such as 10/minute or 5/30 second")
    return text


def _url_of(*schemes: str) -> AfterValidator:
    def check(text: str) -> str:
        if text.partition("://")[0] not in schemes or "://" not in text:
            raise ValueError(
                f"expected a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
            )
        return text

    return AfterValidator(check)


Rate = Annotated[str, AfterValidator(_rate)]
"""How often something may be done: ``10/minute``, ``5/30 second``; the notation of the ``limits`` package."""


class Settings(BaseSettings):
    """The settings in force. Frozen, picklable (workers get the parent's), and its ``repr`` shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Literal["development", "test", "production"] = "development"
    mode: Mode = Mode.FULL
    """Which phases are switched on: support context, then the read-only grid, then changes of bookings, then everything."""
    now: AwareDatetime | None = None
    """Where the clock starts (T7); None means at the system's time."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes any free port, which is then printed."""
    workers: int = Field(default=1, ge=1, le=64)
    allowed_origins: Annotated[frozenset[str], NoDecode] = frozenset()
    """Origins besides the server's own that may open sockets and send cookies (A6), separated by commas."""

    data_dir: Path = Path(".baygrid")
    """What the embedded servers keep. Relative to the working folder, as ``.env`` is, so that two checkouts never share data."""
    database_url: Annotated[str, _url_of("postgresql", "postgres")] | None = None
    """A libpq URL; None means the embedded Postgres."""
    database_pool_size: int = Field(default=10, ge=2, le=500)
    """The most connections that one process opens to Postgres."""
    redis_url: Annotated[str, _url_of("redis", "rediss", "unix")] | None = None
    """None means no Redis for one process, and the embedded Valkey for several."""

    secret_keys: SecretStr | None = None
    """The signing keys as a JSON Web Key Set, the newest first; None means keys made once and kept in the database."""

    public_url: Annotated[str, _url_of("http", "https")] | None = None
    """By which address the world reaches this server; None means what each request says. Providers sign it."""

    hubspot_client_secret: SecretStr | None = None
    """Of the HubSpot app that calls us: checks its signatures. None means that HubSpot calls nothing here."""
    hubspot_tags_property: str = Field(default="baygrid_tags", min_length=1)
    """The property of HubSpot's contacts that holds tags, separated by semicolons."""
    hubspot_tier_property: str = Field(default="membership_tier", min_length=1)
    """The property of HubSpot's contacts that holds the membership tier."""

    twilio_auth_token: SecretStr | None = None
    """Of the Twilio account that calls us: checks its signatures. None means that Twilio calls nothing here."""

    anthropic_api_key: SecretStr | None = None
    """Of Claude. None means that insights have figures and no prose (C3)."""
    anthropic_base_url: Annotated[str, _url_of("http", "https")] = "https://api.anthropic.com"
    anthropic_model: str = Field(default="claude-sonnet-5-5", min_length=1)
    anthropic_seconds: float = Field(default=60.0, gt=0, le=600)
    """How long an answer of Claude is waited for."""
    insight_rate: Rate = "30/hour"
    """Questions to Claude per account: each costs money."""

    login_rate: Rate = "10/minute"
    """Sign-ins per address and account."""
    write_rate: Rate = "120/minute"
    """Changes per account; staff and admins get ten times that."""
    sockets_per_account: int = Field(default=20, ge=1)
    sockets_per_address: int = Field(default=500, ge=1)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto`` is for people where standard error is a terminal, and JSON lines where it is not."""

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            [part.strip().rstrip("/") for part in value.split(",") if part.strip()]
            if isinstance(value, str)
            else value
        )

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: frozenset[str]) -> frozenset[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
                raise ValueError("expected origins such as https://grid.example.com, separated by commas")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_a_base(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if not parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected an address such as https://grid.example.com")
        return value.rstrip("/")

    @field_validator("data_dir")
    @classmethod
    def _from_here(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _go_together(self) -> "Settings":
        if self.env == "production" and self.now is not None:
            raise ValueError(
                "BAYGRID_NOW is refused when BAYGRID_ENV=production: the clock there is the real one"
            )
        return self

    @property
    def clock_start(self) -> float | None:
        """``now`` as an instant, for ``Clock.starting_at``."""
        return None if self.now is None else self.now.timestamp()

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value}' for name, value in masked(self).items())})"

    __str__ = __repr__


def load_settings(**given: Any) -> Settings:
    """The settings from ``given`` (what the command line says), the environment and, in development, ``.env``, in that order.

    Raises ``ConfigurationError`` that says what is wrong with which variable, and never repeats a value: it may be a secret.
    """
    production = os.environ.get(f"{PREFIX}ENV") == "production"
    given = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(_env_file=None if production else ".env", **given)
    except ValidationError as error:
        raise ConfigurationError(
            "\n".join(_explained(problem) for problem in error.errors(include_input=False))
        ) from None
    if settings.env == "production" and not production and "env" not in given:
        raise ConfigurationError(
            f"{PREFIX}ENV=production must be set in the environment: .env is for development"
        )
    return settings


def _explained(problem: Mapping[str, Any]) -> str:
    where = f"{PREFIX}{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
    return where + str(problem["msg"]).removeprefix("Value error, ")


def masked(settings: Settings) -> dict[str, str]:
    """Variable name → the value in force as text, in the order of definition, with secrets and passwords in URLs hidden."""
    return {f"{PREFIX}{name.upper()}": _shown(getattr(settings, name)) for name in Settings.model_fields}


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return MASK
        case frozenset():
            return ",".join(sorted(value))
        case str() if "://" in value:
            return _without_password(value)
        case _:
            return str(value)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    credentials, at, address = parts.netloc.rpartition("@")
    user, colon, _ = credentials.partition(":")
    # libpq also takes a password as a parameter.
    query = re.sub(r"((?:^|&)[^=&]*password=)[^&]*", rf"\g<1>{MASK}", parts.query, flags=re.IGNORECASE)
    return urlunsplit(
        parts._replace(netloc=f"{user}{colon}{MASK if colon else ''}{at}{address}", query=query)
    )


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """The ``BAYGRID_*`` variables that are set and mean nothing, sorted: most likely misspelt."""
    names = os.environ if environment is None else environment
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in names if name.startswith(PREFIX) and name not in known)

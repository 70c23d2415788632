"""Where the service finds its things: the environment, and what the command line says instead."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """Where the embedded database lives unless told: below the user's own data."""
    return Path.home() / ".local" / "share" / "redress"


class Settings(BaseSettings):
    """Read from ``REDRESS_…`` variables."""

    model_config = SettingsConfigDict(env_prefix="REDRESS_", extra="ignore")

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None
    company: str | None = None
    api_key: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    threads: int = 16

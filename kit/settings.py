"""Settings from the environment: each documented, an unknown or missing one refused at start by its name."""

import os
from ipaddress import ip_network
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kit.addresses import Network
from kit.signing import PublicKeys, SigningKey


def _key(value: object) -> object:
    return SigningKey.from_text(value) if isinstance(value, str) and value else value or None


def _public_keys(value: object) -> object:
    return PublicKeys.from_text(value) if isinstance(value, str) and value else value or None


def _networks(value: object) -> object:
    return tuple(map(ip_network, _split(value))) if isinstance(value, str) else value


def _split(value: str) -> list[str]:
    return [one.strip().lower() for one in value.split(",") if one.strip()]


def _names(value: object) -> object:
    return tuple(_split(value)) if isinstance(value, str) else value


# Comma-separated: networks such as 10.0.0.0/8, and names of hosts.
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]

# Keys as settings name them, in base64; an empty text is none.
OneSigningKey = Annotated[SigningKey, BeforeValidator(_key)]
OptionalSigningKey = Annotated[SigningKey | None, BeforeValidator(_key)]
ManyPublicKeys = Annotated[PublicKeys, BeforeValidator(_public_keys)]
OptionalPublicKeys = Annotated[PublicKeys | None, BeforeValidator(_public_keys)]


class SettingsError(Exception):
    """The environment does not describe a process that could run. The text names each setting and why."""


class Settings(BaseSettings):
    """Base of every process's settings; a subclass sets `env_prefix` and documents each field.

    `Subclass.load()` is the way in: it also refuses names that begin with the prefix and are no setting,
    because a misspelt setting that is silently ignored is found in an incident.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    traces_url: str = Field(
        "", description="Where traces go: an OTLP/HTTP collector, like http://otel:4318; empty: nowhere"
    )
    traces_share: float = Field(0.01, description="The share of links and other beginnings that is traced", ge=0, le=1)

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SettingsError with one line a setting that is wrong."""
        prefix = str(cls.model_config.get("env_prefix", ""))
        known = {f"{prefix}{name}".upper() for name in cls.model_fields}
        strangers = [name for name in sorted(os.environ) if _is_ours(name, prefix) and name.upper() not in known]
        wrong = [f"{name}: there is no such setting" for name in strangers]
        made: Self | None = None
        try:
            made = cls()
        except ValidationError as error:
            wrong += [_words(prefix, dict(one)) for one in error.errors(include_input=False)]
        if wrong or made is None:
            raise SettingsError("\n".join(wrong))
        return made


def _is_ours(name: str, prefix: str) -> bool:
    return bool(prefix) and name.upper().startswith(prefix.upper())


def _words(prefix: str, error: dict[str, Any]) -> str:  # pydantic's error dict holds values of any type
    field = ".".join(str(part) for part in error["loc"])
    reason = "is missing" if error["type"] == "missing" else str(error["msg"])
    return f"{prefix}{field}".upper() + f": {reason}"

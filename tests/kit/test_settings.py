"""Settings: what is missing, misspelt or wrong is named, and never with its value."""

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import Settings, SettingsError


class Example(Settings):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    url: str = Field(description="An address")
    count: int = Field(3, description="How many", gt=0)
    secret: SecretStr = Field(SecretStr(""), description="Nobody's business", max_length=5)


def test_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    monkeypatch.setenv("EXAMPLE_COUNT", "7")
    assert (Example.load().url, Example.load().count) == ("http://here", 7)


def test_all_that_is_wrong_is_named_at_once_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_COUNT", "0")
    monkeypatch.setenv("EXAMPLE_SECRET", "far too long")
    monkeypatch.setenv("EXAMPLE_ULR", "http://here")
    with pytest.raises(SettingsError) as refused:
        Example.load()
    lines = str(refused.value).splitlines()
    assert "EXAMPLE_ULR: there is no such setting" in lines
    assert "EXAMPLE_URL: is missing" in lines
    assert any(line.startswith("EXAMPLE_COUNT: ") for line in lines)
    assert any(line.startswith("EXAMPLE_SECRET: ") for line in lines)
    assert "far too long" not in str(refused.value)


def test_a_settings_object_never_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://here")
    with pytest.raises(ValueError, match="frozen"):
        Example.load().url = "elsewhere"  # type: ignore[misc]  # what is tested
    assert "hide" not in repr(Example(url="x", secret=SecretStr("hide")))

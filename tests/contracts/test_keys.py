"""Workspace keys: their form, and that no path of the front door can be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import keys


def test_new_keys_are_keys_and_differ() -> None:
    made = {keys.new_key() for _ in range(2000)}
    assert len(made) == 2000
    assert all(keys.is_key(key) for key in made)


@given(st.text(keys.ALPHABET, max_size=14))
def test_a_key_has_6_to_10_characters(text: str) -> None:
    assert keys.is_key(text) == (6 <= len(text) <= 10)


@given(st.text())
def test_a_key_holds_nothing_outside_the_alphabet(text: str) -> None:
    if keys.is_key(text):
        assert set(text) <= set(keys.ALPHABET)


@pytest.mark.parametrize(
    "text", ["readyz", "livez", "static", "favicon", "abcdef", "bcdfgo", "bcdfg0", "bcdfgh\n", "BCDFGH", "bcdfgh-"]
)
def test_what_is_no_key(text: str) -> None:
    assert not keys.is_key(text)


def test_nothing_in_the_alphabet_is_confused_with_another() -> None:
    for group in ("0o", "1il", "uv"):
        assert not set(group) & set(keys.ALPHABET)

"""Bearer words and upload tokens: round trip, and every forgery refused."""

import secrets
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import keys, tokens

KEY = "dmkrt234"
RECORDING = UUID("01234567-89ab-4def-8123-456789abcdef")
MAC_KEY = b"k" * 32
KEYS = st.text(keys.ALPHABET, min_size=6, max_size=10)


@given(KEYS, st.sampled_from(tokens.Kind))
def test_a_bearer_word_reads_back(key: str, kind: tokens.Kind) -> None:
    made = tokens.new_bearer(kind, key)
    assert made.text.startswith(f"{kind.value}_{key}_")
    assert tokens.parse_bearer(kind, made.text) == made
    assert tokens.same(tokens.parse_bearer(kind, made.text).digest, made.digest)


def test_one_kind_of_word_does_not_pass_as_another() -> None:
    session = tokens.new_bearer(tokens.Kind.SESSION, KEY)
    with pytest.raises(tokens.TokenInvalid):
        tokens.parse_bearer(tokens.Kind.API, session.text)
    assert session.digest != tokens.Bearer(tokens.Kind.API, KEY, session.secret).digest


def test_a_secret_is_not_in_what_is_printed() -> None:
    word = tokens.new_bearer(tokens.Kind.API, KEY)
    resume = tokens.new_resume(KEY, RECORDING)
    assert word.secret not in repr(word)
    assert resume.secret not in repr(resume)


@given(KEYS, st.uuids())
def test_a_resume_token_reads_back(key: str, recording_id: UUID) -> None:
    made = tokens.new_resume(key, recording_id)
    assert tokens.parse_resume(made.text) == made
    other = tokens.new_resume(key, recording_id)
    assert not tokens.same(made.digest, other.digest)


@given(KEYS, st.uuids(), st.integers(1, 10**11 - 1))
def test_an_upload_token_reads_back_and_holds(key: str, recording_id: UUID, expires: int) -> None:
    claim = tokens.parse_upload(tokens.sign_upload(key, recording_id, expires, MAC_KEY))
    assert (claim.key, claim.recording_id, claim.expires) == (key, recording_id, expires)
    tokens.verify_upload(claim, MAC_KEY, expires - 1)


def test_an_upload_token_ends() -> None:
    claim = tokens.parse_upload(tokens.sign_upload(KEY, RECORDING, 1000, MAC_KEY))
    tokens.verify_upload(claim, MAC_KEY, 999.9)
    with pytest.raises(tokens.TokenExpired):
        tokens.verify_upload(claim, MAC_KEY, 1000)


def test_every_changed_character_of_an_upload_token_is_refused() -> None:
    token = tokens.sign_upload(KEY, RECORDING, 1_900_000_000, MAC_KEY)
    for place, right in enumerate(token):
        for wrong in "0123456789abcdefghjkmnpqrstwxyz.-A\n":
            if wrong != right:
                with pytest.raises(tokens.TokenInvalid):
                    claim = tokens.parse_upload(token[:place] + wrong + token[place + 1 :])
                    tokens.verify_upload(claim, MAC_KEY, 0)


def test_another_recordings_key_opens_nothing_and_does_not_learn_that_a_token_expired() -> None:
    claim = tokens.parse_upload(tokens.sign_upload(KEY, RECORDING, 1000, MAC_KEY))
    with pytest.raises(tokens.TokenInvalid):
        tokens.verify_upload(claim, b"x" * 32, 999)
    with pytest.raises(tokens.TokenInvalid):
        tokens.verify_upload(claim, b"x" * 32, 2000)


def test_a_short_key_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.sign_upload(KEY, RECORDING, 1000, b"short")


@given(st.text())
def test_any_text_is_refused_by_each_reader(text: str) -> None:
    for read in (tokens.parse_upload, tokens.parse_resume):
        with pytest.raises(tokens.TokenInvalid):
            read(text)
    for kind in tokens.Kind:
        with pytest.raises(tokens.TokenInvalid):
            tokens.parse_bearer(kind, text)


def test_tokens_are_made_for_keys_only() -> None:
    with pytest.raises(ValueError, match="not a workspace key"):
        tokens.new_bearer(tokens.Kind.API, secrets.token_hex(4) + "!")

"""Ed25519 signatures: only the right key over the right bytes under the right tag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.signing import PublicKeys, SignatureRefused, SigningKey, key_id

KEY, OTHER = SigningKey.new(), SigningKey.new()
PUBLIC = PublicKeys([KEY.public, OTHER.public])
TAGS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=10)


@given(TAGS, st.binary())
def test_a_signature_holds_for_its_own_message(tag: str, message: bytes) -> None:
    PUBLIC.verify(tag, message, KEY.sign(tag, message), KEY.id)


@given(TAGS, st.binary(), TAGS, st.binary())
def test_a_signature_holds_for_nothing_else(tag: str, message: bytes, tag2: str, message2: bytes) -> None:
    if (tag, message) != (tag2, message2):
        with pytest.raises(SignatureRefused):
            PUBLIC.verify(tag2, message2, KEY.sign(tag, message), KEY.id)


def test_a_signature_of_one_key_is_not_anothers() -> None:
    with pytest.raises(SignatureRefused, match=OTHER.id):
        PUBLIC.verify("a", b"m", KEY.sign("a", b"m"), OTHER.id)
    with pytest.raises(SignatureRefused, match="unknown key"):
        PublicKeys([OTHER.public]).verify("a", b"m", KEY.sign("a", b"m"), KEY.id)


@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), bytes(65)])
def test_what_is_no_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(SignatureRefused):
        PUBLIC.verify("a", b"m", signature, KEY.id)


def test_keys_read_back_from_text() -> None:
    again = SigningKey.from_text(KEY.to_text())
    assert again.public == KEY.public
    assert PublicKeys.from_text(f"{KEY.public_text()}, {OTHER.public_text()}").ids == PUBLIC.ids
    assert key_id(KEY.public) == KEY.id


@pytest.mark.parametrize("text", ["", ",", "no base64!", "YWJj"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        PublicKeys.from_text(text)


@pytest.mark.parametrize("tag", ["", "a\0b"])
def test_a_tag_is_a_word(tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        KEY.sign(tag, b"m")


def test_the_private_key_is_not_in_what_is_printed() -> None:
    assert KEY.to_text() not in repr(KEY)
    assert KEY.id in repr(KEY)

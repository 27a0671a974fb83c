"""The link codec: round trip, every typo found, and no bytes that make it stumble."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import keys, links

KEYS = st.text(keys.ALPHABET, min_size=keys.SHORTEST, max_size=keys.LONGEST)
# Everything that somebody's finger or a mail program could put in a character's place.
TYPED = string.ascii_lowercase + string.digits + "-_./ %"


def links_of(key: str) -> str:
    return f"{key}-{links.new_secret(key)}"


@given(KEYS)
def test_a_link_reads_back_as_what_was_made(key: str) -> None:
    secret = links.new_secret(key)
    made = links.address("https://go.example/", key, secret)
    assert made == f"https://go.example/{key}-{secret}"
    assert links.parse(made.rsplit("/", 1)[1]) == (key, secret)


@given(KEYS)
def test_every_changed_character_is_found(key: str) -> None:
    link = links_of(key)
    for place, right in enumerate(link):
        for wrong in TYPED:
            if wrong != right:
                with pytest.raises(links.NotALink):
                    links.parse(link[:place] + wrong + link[place + 1 :])


@given(KEYS)
def test_a_changed_character_of_key_or_secret_is_called_a_typo(key: str) -> None:
    link = links_of(key)
    for place, right in enumerate(link):
        for wrong in set(keys.ALPHABET + "01ilouvae") - {right, "-"}:
            if right != "-":
                with pytest.raises(links.Mistyped):
                    links.parse(link[:place] + wrong + link[place + 1 :])


@given(KEYS)
def test_every_swapped_pair_is_found(key: str) -> None:
    link = links_of(key)
    for place in range(len(link) - 1):
        one, other = link[place], link[place + 1]
        if one != other:
            with pytest.raises(links.NotALink):
                links.parse(link[:place] + other + one + link[place + 2 :])


@given(KEYS, st.integers(1, 6))
def test_a_link_that_lost_its_end_is_called_a_typo(key: str, lost: int) -> None:
    with pytest.raises(links.Mistyped):
        links.parse(links_of(key)[:-lost])


@given(KEYS)
def test_a_link_in_capitals_is_the_same_link(key: str) -> None:
    link = links_of(key)
    assert links.parse(link.upper()) == links.parse(link)


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_any_text_is_a_link_or_refused(text: str) -> None:
    with pytest.raises(links.NotALink):
        links.parse(text)


@pytest.mark.parametrize("text", ["", "-", "robots.txt", "favicon.ico", "w", "\u212a" * 8 + "-" + "2" * 20])
def test_what_does_not_look_like_a_link_is_malformed(text: str) -> None:
    with pytest.raises(links.Malformed):
        links.parse(text)


@given(KEYS)
def test_a_refusal_does_not_repeat_the_secret(key: str) -> None:
    link = links_of(key)
    with pytest.raises(links.NotALink) as refused:
        links.parse(link[:-1])
    assert link[-20:-1] not in str(refused.value)


def test_a_secret_has_90_bits_or_more() -> None:
    secret = links.new_secret("dmkrt234")
    random = len(secret) - 1  # the last one is the check
    assert random * math.log2(len(keys.ALPHABET)) >= 90
    assert len({links.new_secret("dmkrt234") for _ in range(1000)}) == 1000


@given(KEYS, KEYS)
def test_the_same_secret_under_another_key_is_another_link(key: str, other: str) -> None:
    secret = links.new_secret(key)
    assert len(links.digest(key, secret)) == 32
    assert (links.digest(key, secret) == links.digest(other, secret)) == (key == other)


def test_a_secret_is_made_for_a_key_only() -> None:
    with pytest.raises(ValueError, match="not a workspace key"):
        links.new_secret("Nope")

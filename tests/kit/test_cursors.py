"""Cursors: what went out comes back, and anything else is refused with a word."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import cursors
from kit.refusals import Invalid

MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.uuids())
def test_what_went_out_comes_back(moment: datetime, row: UUID) -> None:
    assert cursors.decode(cursors.encode((moment, row))) == (moment, row)


def test_the_end_of_a_list_has_no_cursor() -> None:
    assert cursors.encode(None) is None and cursors.decode("") is None and cursors.decode(None) is None


@given(st.text(min_size=1, max_size=300))
def test_any_text_is_a_cursor_or_refused(word: str) -> None:
    try:
        found = cursors.decode(word)
    except Invalid as refusal:
        assert refusal.facts["errors"]
    else:
        assert found is not None and found[0].tzinfo is not None


def test_a_moment_without_its_zone_is_refused() -> None:
    from base64 import urlsafe_b64encode

    with pytest.raises(Invalid):
        cursors.decode(urlsafe_b64encode(b"2026-01-01T00:00:00|00000000-0000-0000-0000-000000000000").decode())

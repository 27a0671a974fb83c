"""An exported audit log holds as it was written; whatever is done to it is found, and the first wrong entry named."""

import hashlib
import json
import string
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts import audit as chain
from contracts.audit_check import Finding, NotAnExport, Verdict, Wrong, check, split_lines
from contracts.audit_export import LONGEST_LINE, Writer
from contracts.audit_heads import HeadUnreadable, SignedHead
from kit.signing import SigningKey
from tests.contracts.exported import AT, KEY, KEYS, OTHER_KEYS, Exported, exported, head, stored

LOG = exported(12, heads_at=(5, 8))
SMALL = settings(max_examples=150)


def first(verdict: Verdict) -> Finding:
    """The finding that is told first."""
    assert not verdict.holds
    return verdict.findings[0]


def rewritten(log: Exported, at: int, change: dict[str, object]) -> list[bytes]:
    """The log as somebody would write it who changes entry `at` and all hashes after it."""
    lines = [log.lines[0]]
    writer = Writer()
    previous = chain.GENESIS
    for seq in range(1, log.entries + 1):
        form = {**stored(seq), **(change if seq == at else {})}
        previous = chain.entry_hash(previous, form)
        lines.append(writer.entry(form, previous, {}))
    return [*lines, log.lines[-1]]


# -- what holds --------------------------------------------------------------------------------------------------------


def test_what_was_exported_holds() -> None:
    verdict = check(LOG.lines, LOG.heads, KEYS)
    assert verdict.holds and verdict.entries == 12 and verdict.covered == 8
    assert verdict.file_signature == "good" and {one.signature for one in verdict.heads} == {"good"}
    assert verdict.last_hash == LOG.hashes[-1].hex()


def test_it_holds_without_keys_and_then_says_that_nothing_was_checked() -> None:
    verdict = check(LOG.lines)
    assert verdict.holds and verdict.file_signature == "unchecked"
    assert [one.signature for one in verdict.heads] == ["unchecked"]


def test_a_cell_without_a_key_exports_what_can_be_checked_but_for_who_signed() -> None:
    log = exported(3, heads_at=(2,), key=None)
    assert check(log.lines).holds
    assert first(check(log.lines, (), KEYS)).wrong is Wrong.FILE


def test_an_empty_log_holds() -> None:
    assert check(exported(0).lines, (), KEYS).holds


def test_sha_256_and_the_position_of_stored_are_enough_to_check_it() -> None:
    """What docs/audit.md tells an auditor to do with a few lines of any language."""
    previous = bytes(32)
    for seq, line in enumerate(LOG.lines[1:-1], start=1):
        raw = line[line.index(b',"stored":') + len(b',"stored":') : -2]
        previous = hashlib.sha256(previous + raw).digest()
        assert previous.hex() == json.loads(line)["hash"] and json.loads(raw)["seq"] == seq
    assert json.loads(LOG.lines[-1])["end"]["sha256"] == hashlib.sha256(b"".join(LOG.lines[:-1])).hexdigest()


# -- any one change ----------------------------------------------------------------------------------------------------


@given(st.data())
@SMALL
def test_any_byte_changed_is_found_and_its_entry_named(data: st.DataObject) -> None:
    at = data.draw(st.integers(1, LOG.entries), "entry")
    line = LOG.lines[at]
    place = data.draw(st.integers(0, len(line) - 1), "byte")
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != line[place]), "becomes")
    changed = line[:place] + bytes([byte]) + line[place + 1 :]
    lines = [*LOG.lines[:at], changed, *LOG.lines[at + 1 :]]
    finding = first(check(split_lines([b"".join(lines)]), LOG.heads, KEYS))
    assert finding.seq == at and finding.line == at + 1


@given(st.data())
@SMALL
def test_any_byte_changed_in_the_first_or_the_last_line_is_found(data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([0, len(LOG.lines) - 1]))
    place = data.draw(st.integers(0, len(LOG.lines[at]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != LOG.lines[at][place]))
    lines = list(LOG.lines)
    lines[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    try:
        assert not check(split_lines([b"".join(lines)]), LOG.heads, KEYS).holds
    except NotAnExport:
        assert at == 0


@given(st.integers(1, LOG.entries), st.integers(1, 4))
@SMALL
def test_any_entries_removed_are_found_and_the_first_named(at: int, many: int) -> None:
    finding = first(check([*LOG.lines[:at], *LOG.lines[min(at + many, LOG.entries + 1) :]], LOG.heads, KEYS))
    gone_at_the_end = at + many > LOG.entries
    assert finding.seq == at and finding.wrong is (Wrong.CUT_OFF if gone_at_the_end else Wrong.GAP)


@given(st.integers(1, LOG.entries), st.integers(1, LOG.entries))
@SMALL
def test_any_two_entries_swapped_are_found_and_the_first_named(one: int, other: int) -> None:
    lines = list(LOG.lines)
    lines[one], lines[other] = lines[other], lines[one]
    verdict = check(lines, LOG.heads, KEYS)
    if one == other:
        assert verdict.holds
        return
    assert (first(verdict).wrong, first(verdict).seq) == (Wrong.ORDER, min(one, other))


@given(st.integers(1, LOG.entries), st.integers(1, LOG.entries + 1))
@SMALL
def test_any_entry_repeated_is_found_and_its_place_named(which: int, at: int) -> None:
    finding = first(check([*LOG.lines[:at], LOG.lines[which], *LOG.lines[at:]], LOG.heads, KEYS))
    if which >= at:
        # The copy stands where it or an earlier one belongs, and the next one is what is not expected.
        assert (finding.wrong, finding.seq) in {(Wrong.ORDER, at), (Wrong.DOUBLED, which + 1)}
    else:
        assert (finding.wrong, finding.seq) == (Wrong.DOUBLED, at)


@given(st.integers(1, LOG.entries + 1), st.integers(-2, LOG.entries + 3), st.text(string.ascii_letters, max_size=8))
@SMALL
def test_any_entry_made_up_and_inserted_is_found_and_its_place_named(at: int, seq: int, action: str) -> None:
    before = LOG.hashes[at - 2] if at > 1 else chain.GENESIS
    form = stored(seq, action=action)
    made_up = Writer().entry(form, chain.entry_hash(before, form), {})
    finding = first(check([*LOG.lines[:at], made_up, *LOG.lines[at:]], LOG.heads, KEYS))
    # One that chains well in its place shows by the true entry that follows it, or by a head.
    assert finding.seq == (at + 1 if seq == at and finding.wrong in {Wrong.DOUBLED, Wrong.FILE} else at)


@given(st.data())
@SMALL
def test_cut_off_anywhere_is_found_and_the_first_missing_entry_named(data: st.DataObject) -> None:
    whole = b"".join(LOG.lines)
    cut = data.draw(st.integers(len(LOG.lines[0]), len(whole) - 1))
    finding = first(check(split_lines([whole[:cut]]), LOG.heads, KEYS))
    left = whole[:cut].count(b"\n") - 1
    assert finding.seq == left + 1 and finding.wrong in {Wrong.CUT_OFF, Wrong.FILE}


@given(st.integers(1, LOG.entries), st.binary(max_size=60).filter(lambda some: b"\n" not in some))
@SMALL
def test_any_other_line_in_between_is_found(at: int, some: bytes) -> None:
    finding = first(check([*LOG.lines[:at], some + b"\n", *LOG.lines[at:]], LOG.heads, KEYS))
    assert (finding.wrong, finding.seq) == (Wrong.FORM, at)


# -- what a chain of hashes alone does not show ------------------------------------------------------------------------


def test_entries_cut_off_and_the_file_made_to_fit_show_by_a_head_that_was_kept() -> None:
    short = exported(7, heads_at=(5,))
    assert check(short.lines, (), KEYS).holds  # nothing in it says that there was more
    finding = first(check(short.lines, LOG.heads, KEYS))
    assert (finding.wrong, finding.seq) == (Wrong.CUT_OFF, 8) and "saw 8 entries" in finding.reason


def test_a_head_that_is_younger_than_the_file_says_so() -> None:
    young = LOG.heads[1].model_copy(update={"head": LOG.heads[1].head.model_copy(update={"at": "2026-11-26"})})
    finding = first(check(exported(7, heads_at=(5,)).lines, [young]))
    assert finding.wrong is Wrong.CUT_OFF and "take another export" in finding.reason
    assert "another" not in first(check(exported(7, heads_at=(5,)).lines, LOG.heads)).reason


@pytest.mark.parametrize("at", [1, 3, 5, 6, 8])
def test_a_log_written_anew_shows_by_the_first_head_that_saw_another(at: int) -> None:
    finding = first(check(rewritten(LOG, at, {"action": "link.keep"}), LOG.heads, KEYS))
    assert (finding.wrong, finding.seq) == (Wrong.OTHER_CHAIN, 5 if at <= 5 else 8)


def test_a_log_written_anew_beyond_its_last_head_shows_by_the_files_own_signature() -> None:
    finding = first(check(rewritten(LOG, 10, {"action": "link.keep"}), LOG.heads, KEYS))
    assert finding.wrong is Wrong.FILE


def test_a_file_signed_by_somebody_else_is_not_ours() -> None:
    found = check(LOG.lines, (), OTHER_KEYS).findings
    assert [one.wrong for one in found] == [Wrong.FILE, Wrong.HEAD_NOT_OURS]
    assert "unknown key" in found[0].reason


def test_a_head_signed_by_somebody_else_is_not_ours_and_blames_no_entry() -> None:
    forged = head([bytes(32)] * 4, None, SigningKey(b"\2" * 32))
    found = check(LOG.lines, [forged], KEYS).findings
    assert [(one.wrong, one.seq) for one in found] == [(Wrong.HEAD_NOT_OURS, 4)]


def test_a_head_that_was_changed_is_not_ours() -> None:
    moved = LOG.heads[0].model_copy(update={"head": LOG.heads[0].head.model_copy(update={"seq": 4})})
    found = check(LOG.lines, [moved], KEYS).findings
    assert [(one.wrong, one.seq) for one in found] == [(Wrong.HEAD_NOT_OURS, 4)]
    assert "not one of key" in found[0].reason


def test_a_head_of_another_workspace_is_not_of_this_log() -> None:
    other = exported(3, workspace=UUID(int=7))
    found = check(other.lines, LOG.heads[:1], KEYS).findings
    assert {one.wrong for one in found} == {Wrong.HEAD_NOT_OURS}
    assert any("another log" in one.reason for one in found)


def test_heads_follow_one_another() -> None:
    between = head(list(LOG.hashes[:6]), None)  # calls itself the first, as head 1 of the log does
    again = head(list(LOG.hashes[:7]), between)
    lines = exported(12, carried=False).lines
    found = check(lines, [LOG.heads[0], again], KEYS).findings
    assert [(one.wrong, one.seq) for one in found] == [(Wrong.HEAD_NOT_OURS, 7)]
    found = check(lines, [LOG.heads[0], between], KEYS).findings
    assert [(one.wrong, one.seq) for one in found] == [(Wrong.HEAD_NOT_OURS, 6)]


def test_entries_of_another_workspace_are_no_part_of_this_log() -> None:
    other = exported(12, workspace=UUID(int=7))
    finding = first(check([LOG.lines[0], *other.lines[1:]], (), KEYS))
    assert (finding.wrong, finding.seq) == (Wrong.FORM, 1)


def test_what_is_shown_beside_an_entry_may_not_be_changed_either() -> None:
    lines = list(LOG.lines)
    lines[4] = lines[4].replace(b"Ada 4", b"Eve 4")
    verdict = check(lines, LOG.heads, KEYS)
    assert [(one.wrong, one.seq) for one in verdict.findings] == [(Wrong.READABLE, 4)] and verdict.entries == 12


def test_a_field_doubled_in_an_entry_is_found() -> None:
    """Readers of JSON differ in which of two they take; the hash covers the bytes."""
    lines = list(LOG.lines)
    lines[3] = lines[3].replace(b'"action":"link.create"', b'"action":"link.create","action":"link.create"')
    finding = first(check(lines, LOG.heads, KEYS))
    assert (finding.wrong, finding.seq) == (Wrong.HASH, 3)


@pytest.mark.parametrize("seq", [True, None, "3", 0, -1, 3.0])
def test_a_number_that_is_none_is_found(seq: object) -> None:
    form = stored(1) | {"seq": seq}
    raw = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
    line = b'{"check":"%b","hash":"%b","readable":{},"stored":%b}\n' % (
        hashlib.sha256(b"{}").hexdigest()[:16].encode(),
        chain.chained(chain.GENESIS, raw).hex().encode(),
        raw,
    )
    finding = first(check([LOG.lines[0], line, *LOG.lines[2:]]))
    assert (finding.wrong, finding.seq) == (Wrong.FORM, 1)


def test_something_below_the_last_line_is_found() -> None:
    for more in (LOG.lines[-1], LOG.lines[1], b"\n", b"x"):
        assert first(check([*LOG.lines, more])).wrong in {Wrong.FILE, Wrong.CUT_OFF}


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b"PK\3\4", b"seq,at\n", LOG.lines[1], LOG.lines[-1]])
def test_a_file_that_is_no_export_is_told_from_a_broken_one(line: bytes) -> None:
    with pytest.raises(NotAnExport):
        check([line])


def test_a_line_without_an_end_takes_no_memory() -> None:
    endless = (b"x" * 65536 for _ in range(1000))
    longest = max(len(piece) for piece in split_lines(endless))
    assert longest <= LONGEST_LINE + 65536
    assert first(check(split_lines([LOG.lines[0], b"x" * (LONGEST_LINE + 2)]))).wrong is Wrong.FORM


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"head":{},"key":"","signature":""}', LOG.heads[0].line[:-5]])
def test_what_is_no_head_is_refused(text: bytes) -> None:
    with pytest.raises(HeadUnreadable):
        SignedHead.read(text)


def test_a_head_is_read_as_it_was_written() -> None:
    assert SignedHead.read(LOG.heads[1].line) == LOG.heads[1]
    assert LOG.heads[1].head.previous == LOG.heads[0].head.digest and LOG.heads[1].head.at == AT
    assert LOG.heads[1].key == KEY.id


# -- the fast way to canonical JSON ------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.text(string.printable),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING)
@example({"a": [1.0, 1e16, -0.0], "b": '\x7f\x1f\b/\\"', "\ue000": 1, "\U0001f600": 2})
@SMALL
def test_canonical_json_is_that_of_rfc_8785_or_none(value: Any) -> None:  # any JSON
    try:
        wanted = rfc8785.dumps(value)
    except ValueError:
        with pytest.raises(ValueError):
            chain.canonical(value)
    else:
        assert chain.canonical(value) == wanted


@given(st.dictionaries(TEXT, VALUES, max_size=4))
@SMALL
def test_what_is_exported_is_what_was_hashed_whatever_it_is(form: dict[str, object]) -> None:
    hash_ = chain.entry_hash(chain.GENESIS, form)
    assert chain.canonical_of(form, chain.GENESIS, hash_) == chain.canonical(form)


@given(st.dictionaries(st.text(string.printable, max_size=12), VALUES, max_size=4))
@SMALL
def test_names_of_fields_in_ascii_need_no_slow_way(form: dict[str, object]) -> None:
    plain = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if "\\u" not in json.dumps(sorted(_names(form))):
        assert plain == chain.canonical(form)


def _names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_names(one) for one in value.values()))
    return set().union(*(_names(one) for one in value)) if isinstance(value, list) else set()

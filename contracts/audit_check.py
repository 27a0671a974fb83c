"""Checking an exported audit log: whether it holds, and if not, which entry is the first wrong one and why.

It is read once, a line at a time, so that a log of any length takes no more memory than one of ten entries.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import ValidationError

from contracts import audit as chain
from contracts.audit_export import LONGEST_LINE, TAG, About, EntryLine, FirstLine, LastLine, check_of
from contracts.audit_heads import NONE_BEFORE, SignedHead, verify
from kit.signing import PublicKeys, SignatureRefused


class NotAnExport(ValueError):
    """The file does not begin as an exported log. The text says what was expected."""


class Wrong(StrEnum):
    """What can be wrong, the word that `--json` gives."""

    HASH = "hash"  # the entry was changed, or its hash was
    GAP = "gap"  # the entry is missing
    ORDER = "order"  # the entry stands further down
    DOUBLED = "doubled"  # an entry stands there that was there before
    FORM = "form"  # no line of an export stands there
    READABLE = "readable"  # what is shown beside the entry was changed; the entry itself holds
    CUT_OFF = "cut-off"  # entries are missing at the end
    OTHER_CHAIN = "other-chain"  # the entries are not those that a signed head saw
    HEAD_NOT_OURS = "head-not-ours"  # a head of another log, or by none of the keys
    FILE = "file"  # the last line does not fit what stands above it, or is by none of the keys


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `seq` is the number of the entry that should be right and is not; `line` in the file."""

    wrong: Wrong
    seq: int
    line: int
    reason: str


@dataclass(frozen=True)
class SeenHead:
    """A head that the log was compared with. `signature`: "good", "unchecked" (no keys given) or "bad"."""

    head: SignedHead
    signature: str


@dataclass
class Verdict:
    """What was found. `entries` counts those that hold from the first on."""

    about: About
    entries: int = 0
    last_hash: str = chain.GENESIS.hex()
    first_at: str = ""
    last_at: str = ""
    covered: int = 0  # the number of the last entry that a head of ours covers
    heads: list[SeenHead] = field(default_factory=list)
    file_signature: str = "unchecked"  # besides "good" and "bad": "not reached", below the first wrong entry
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def check(lines: Iterable[bytes], heads: Sequence[SignedHead] = (), keys: PublicKeys | None = None) -> Verdict:
    """Check an export line by line. `heads` are held besides, `keys` are the public keys of the cell that signed.

    Raises NotAnExport where the first line is none of an export's.
    """
    reading = iter(lines)
    about = _about(next(reading, b""))
    verdict = Verdict(about, file_signature="unchecked" if keys is None else "not reached")
    held = [*([about.head] if about.head is not None else []), *heads]
    _check_heads(verdict, held, keys)
    _Reading(verdict, keys).read(reading)
    return verdict


def split_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a file that is read in pieces; one longer than any line of an export is cut."""
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(held) > LONGEST_LINE:
            yield held
            held = b""
    if held:
        yield held


def _about(line: bytes) -> About:
    try:
        first = FirstLine.model_validate_json(line)
    except ValidationError:
        raise NotAnExport('the first line is not the `{"about": ...}` of an exported audit log') from None
    if chain.canonical(first.model_dump(mode="json")) + b"\n" != line:
        raise NotAnExport("the first line is not as it was exported")
    return first.about


def _check_heads(verdict: Verdict, heads: Sequence[SignedHead], keys: PublicKeys | None) -> None:
    """Whether each head is of this log and signed by one of the keys, and each follows from the one before it."""
    by_n: dict[int, SignedHead] = {}
    for held in heads:
        signature = _signature(verdict, held, keys)
        verdict.heads.append(SeenHead(held, signature))
        if held.head.workspace_id != verdict.about.workspace_id:
            _not_ours(verdict, held, f"is of another log, of workspace {held.head.workspace_id}")
        elif signature != "bad" and by_n.setdefault(held.head.n, held).head != held.head:
            _not_ours(verdict, held, "is there twice, with different contents")
    for n, held in by_n.items():
        before = by_n.get(n - 1)
        known = NONE_BEFORE if n == 1 else before.head.digest if before is not None else held.head.previous
        if held.head.previous != known:
            _not_ours(verdict, held, "does not follow from the head before it")


def _not_ours(verdict: Verdict, held: SignedHead, reason: str) -> None:
    verdict.findings.append(Finding(Wrong.HEAD_NOT_OURS, held.head.seq, 0, f"head {held.head.n} {reason}"))


def _signature(verdict: Verdict, held: SignedHead, keys: PublicKeys | None) -> str:
    if keys is None:
        return "unchecked"
    try:
        held.verify(keys)
    except SignatureRefused as refused:
        _not_ours(verdict, held, f"is not ours: {refused}")
        return "bad"
    return "good"


class _Reading:
    """The lines after the first: entries in their order, then the last line."""

    def __init__(self, verdict: Verdict, keys: PublicKeys | None) -> None:
        self._verdict = verdict
        self._keys = keys
        ours = [seen.head for seen in verdict.heads if seen.signature != "bad"]
        self._heads = [one for one in ours if one.head.workspace_id == verdict.about.workspace_id]
        self._seen_at: dict[int, list[SignedHead]] = {}
        for one in self._heads:
            self._seen_at.setdefault(one.head.seq, []).append(one)
        self._digest = hashlib.sha256(chain.canonical({"about": verdict.about.model_dump(mode="json")}) + b"\n")
        self._previous = chain.GENESIS
        self._line = 1
        self._readable: Finding | None = None
        self._end: LastLine | None = None

    @property
    def _expected(self) -> int:
        return self._verdict.entries + 1

    def read(self, lines: Iterator[bytes]) -> None:
        """Everything up to the first entry that is wrong."""
        finding = None
        for line in lines:
            self._line += 1
            finding = self._take(line)
            if finding is not None:
                break
        if finding is not None and finding.wrong is Wrong.GAP and self._comes_later(lines):
            reason = f"{finding.reason}; entry {finding.seq} stands further down"
            finding = Finding(Wrong.ORDER, finding.seq, finding.line, reason)
        if finding is None:
            finding = self._after_all()
        if finding is not None:
            # What is wrong with an entry comes first, then what is wrong with a head.
            self._verdict.findings.insert(0, finding)
        if self._readable is not None and (finding is None or finding.seq > self._readable.seq):
            self._verdict.findings.insert(0, self._readable)

    def _take(self, line: bytes) -> Finding | None:
        if self._end is not None:
            return self._found(Wrong.FILE, "something stands below the last line")
        if line.startswith(b'{"end":'):
            return self._take_end(line)
        try:
            entry, stored, readable = EntryLine.split(line)
        except ValueError:
            return self._unreadable(line)
        finding = self._check_entry(entry, stored)
        if finding is None:
            if check_of(readable) != entry.check.encode() and self._readable is None:
                reason = "the entry holds, but what is shown beside it (`readable`) was changed"
                self._readable = self._found(Wrong.READABLE, reason)
            self._accept(entry, line)
        return finding

    def _check_entry(self, entry: EntryLine, stored: bytes) -> Finding | None:
        seq = entry.stored.get("seq")
        if seq != self._expected or isinstance(seq, bool):
            return self._not_expected(seq)
        if chain.chained(self._previous, stored).hex() != entry.hash:
            return self._found(Wrong.HASH, "the entry or its hash was changed")
        if entry.stored.get("workspace_id") != self._verdict.about.workspace_id:
            return self._found(Wrong.FORM, "the entry is of another log than the first line says")
        for held in self._seen_at.get(seq, ()):
            if held.head.hash != entry.hash:
                n = held.head.n
                return self._found(Wrong.OTHER_CHAIN, f"head {n} saw another entry here: the log was written anew")
        return None

    def _accept(self, entry: EntryLine, line: bytes) -> None:
        at, seq = str(entry.stored.get("at", "")), self._expected
        verdict = self._verdict
        verdict.first_at, verdict.last_at = verdict.first_at or at, at
        verdict.entries, verdict.last_hash = seq, entry.hash
        if seq in self._seen_at:
            verdict.covered = seq
        self._previous = bytes.fromhex(entry.hash)
        self._digest.update(line)

    def _unreadable(self, line: bytes) -> Finding:
        if line.endswith(b"\n") or len(line) > LONGEST_LINE:
            return self._found(Wrong.FORM, "this is no line of an export")
        return self._found(Wrong.CUT_OFF, "the file ends in the middle of a line")

    def _not_expected(self, seq: object) -> Finding:
        expected = self._expected
        if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
            return self._found(Wrong.FORM, "the entry here has no number")
        if seq < expected:
            return self._found(Wrong.DOUBLED, f"entry {seq} stands here once more")
        return self._found(Wrong.GAP, f"entry {expected} is missing: entry {seq} stands in its place")

    def _comes_later(self, lines: Iterator[bytes]) -> bool:
        """Whether the missing entry stands further down: then nothing was taken away but the order is wrong."""
        for line in lines:
            try:
                entry, _, _ = EntryLine.split(line)
            except ValueError:
                continue
            if entry.stored.get("seq") == self._expected:
                return True
        return False

    def _take_end(self, line: bytes) -> Finding | None:
        try:
            end = LastLine.model_validate_json(line)
        except ValidationError:
            return self._unreadable(line)
        if chain.canonical(end.model_dump(mode="json")) + b"\n" != line:
            return self._found(Wrong.FILE, "the last line is not as it was exported")
        self._end = end
        return None

    def _after_all(self) -> Finding | None:
        """What only the end of the file can tell."""
        about, last = self._verdict.about, self._verdict.entries
        self._line += 1
        head = max(self._heads, key=lambda one: one.head.seq, default=None)
        if head is not None and head.head.seq > last:
            reason = f"cut off before the signed head: head {head.head.n} of {head.head.at} saw {head.head.seq} entries"
            if head.head.at > about.exported_at:
                reason += ", after the export was made: take another export to compare with it"
            return self._found(Wrong.CUT_OFF, reason)
        if last < about.last:
            return self._found(Wrong.CUT_OFF, f"cut off: the first line says that there are {about.last} entries")
        if self._end is None:
            return self._found(Wrong.CUT_OFF, "the file has no last line: it is not complete")
        return self._check_end(self._end)

    def _check_end(self, last: LastLine) -> Finding | None:
        end = last.end
        if self._keys is not None:
            try:
                verify(TAG, end.message, last.key, last.signature, self._keys)
            except SignatureRefused as refused:
                self._verdict.file_signature = "bad"
                return self._found(Wrong.FILE, f"the file is not signed by us: {refused}")
            self._verdict.file_signature = "good"
        if self._readable is None and (end.entries, end.sha256) != (self._verdict.entries, self._digest.hexdigest()):
            return self._found(Wrong.FILE, "every entry holds, but the file is not as it was exported")
        return None

    def _found(self, wrong: Wrong, reason: str) -> Finding:
        return Finding(wrong, self._expected, self._line, reason)

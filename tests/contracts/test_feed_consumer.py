"""Rules and store together, whatever happens: a consumer holds what the registry said, and in the end all of it."""

import copy
import os
import signal
import tempfile
import time
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.feed import FeedRefused, Record, decode_batch, decode_snapshot
from contracts.feed_rules import Accepted, Gap, Refused, accept_batch, accept_snapshot
from contracts.feed_store import Store
from kit.signing import PublicKeys, SigningKey
from tests.contracts.registry import Behind, Registry, SnapshotNeeded

KEYS = st.sampled_from(["a", "b", "c", "d"])


def pack(key: str, record: Record) -> bytes:
    return str(record).encode()


def packed(registry: Registry) -> dict[str, bytes]:
    return {key: pack(key, record) for key, record in registry.records.get("workspace", {}).items()}


class Consumer(RuleBasedStateMachine):
    """Changes, polls, losses, replays, forgeries, kills, restores and new keys, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "routing.mdb"
        self.registry = Registry()
        self.pinned = [key.public for key in self.registry.keys]
        self.said: dict[str, dict[str, bytes]] = {}  # mark -> what the registry held there
        self.sent: list[tuple[str, bytes]] = []  # every message there ever was
        self.gap = False
        self.number = 0
        self.position = (0, 0)
        self.backup = copy.deepcopy(self.registry)
        self.store = Store(self.path, "test 1", {"workspace": pack})
        self.remember()

    def teardown(self) -> None:
        self.settle()
        self.store.close()
        self.folder.cleanup()

    def remember(self) -> None:
        self.said[self.registry.marks[-1]] = packed(self.registry)

    # -- the registry ---------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.change("a", False)

    @rule(key=KEYS, gone=st.booleans())
    def change(self, key: str, gone: bool) -> None:
        self.number += 1
        self.registry.say("workspace", key, None if gone else [self.number])
        self.remember()

    @rule(keep=st.integers(0, 3))
    def compact(self, keep: int) -> None:
        self.registry.floor = max(self.registry.floor, self.registry.n - keep)

    @rule()
    def rotate(self) -> None:
        """A new key, with an overlap: consumers know it before it signs, both sign, then it alone."""
        new = SigningKey.new()
        self.pinned.append(new.public)
        self.registry.keys = [self.registry.keys[-1], new] if len(self.registry.keys) == 1 else [new]
        self.pinned = [*(key.public for key in self.registry.keys), new.public]

    @rule()
    def back_up(self) -> None:
        self.backup = copy.deepcopy(self.registry)

    @rule(raised=st.booleans())
    def restore(self, raised: bool) -> None:
        """An older state comes back; numbers, keys and the time go on."""
        keys, generation, seconds = self.registry.keys, self.registry.generation, self.registry.seconds
        if self.backup.generation != generation and not raised:
            return  # a registry that forgot a raise is never served: the operator's first step is another one
        self.registry = copy.deepcopy(self.backup)
        self.registry.keys, self.registry.seconds = keys, seconds
        if raised:
            self.registry.generation = generation
            self.raise_generation()
        self.remember()

    @rule()
    def raise_generation(self) -> None:
        self.registry.raise_generation()
        self.remember()

    # -- the consumer ---------------------------------------------------------------------------------------

    @rule(most=st.integers(1, 3), lost=st.booleans())
    def poll(self, most: int, lost: bool) -> None:
        held = self.store.held
        if held is None or self.gap:
            self.sent.append(("snapshot", self.registry.snapshot()))
            self.take(*self.sent[-1], lost)
            return
        try:
            self.sent.append(("batch", self.registry.batch(held.generation, held.n, most)))
            self.take(*self.sent[-1], lost)
        except SnapshotNeeded:
            self.gap = True
        except Behind:
            pass

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3))
    def follow(self, keys: list[str]) -> None:
        for key in keys:
            self.change(key, False)
        self.poll(3, False)

    @rule(most=st.integers(1, 3), after_s=st.floats(0, 0.004))
    def poll_and_be_killed(self, most: int, after_s: float) -> None:
        self.store.close()
        child = os.fork()
        if child == 0:
            try:
                self.store = Store(self.path, "test 1", {"workspace": pack})
                self.poll(most, False)
            finally:
                os._exit(0)
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.open_again()

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = Store(self.path, "test 1", {"workspace": pack})
        self.gap = False

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        self.take(*data.draw(st.sampled_from(self.sent)), False)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def forge(self, data: st.DataObject) -> None:
        what, raw = data.draw(st.sampled_from(self.sent))
        place = data.draw(st.integers(0, len(raw) - 1))
        before = self.store.held
        self.take(what, raw[:place], False)
        assert self.store.held == before
        self.take(what, raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :], False)
        if place > raw.index(b"\n"):  # before it: one of two signatures may be spoilt, and the other still holds
            assert self.store.held == before

    @rule()
    def forge_with_another_key(self) -> None:
        forged = copy.deepcopy(self.registry)
        forged.keys = [SigningKey.new()]
        forged.say("workspace", "a", ["forged"])
        before = self.store.held
        self.take("snapshot", forged.snapshot(), False)
        if before is not None and before.generation == forged.generation and before.n <= forged.n:
            self.take("batch", forged.batch(before.generation, before.n), False)
        assert self.store.held == before

    def take(self, what: str, raw: bytes, lost: bool) -> None:
        """What the follower does with an answer."""
        if lost:
            return
        held = self.store.held
        try:
            if what == "snapshot":
                snapshot = decode_snapshot(raw, PublicKeys(self.pinned))
                taken = accept_snapshot(held, "routing", snapshot)
                if isinstance(taken, Accepted):
                    self.store.replace(taken.held, snapshot.records)
                    self.gap = False
                return
            batch = decode_batch(raw, PublicKeys(self.pinned))
        except FeedRefused:
            return
        match Gap("nothing is held") if held is None else accept_batch(held, batch):
            case Accepted(fresh, events):
                self.store.apply(fresh, events)
            case Gap():
                self.gap = True
            case Refused():
                pass

    # -- what always holds ----------------------------------------------------------------------------------

    @invariant()
    def it_holds_what_the_registry_said(self) -> None:
        held = self.store.held
        assert self.store.items("workspace") == ({} if held is None else self.said[held.mark])
        position = (held.generation, held.n) if held else (0, 0)
        assert position >= self.position, "it went back"
        self.position = position
        self.store.check()

    def settle(self) -> None:
        """Left alone, the consumer ends where the registry is; after a restore, once the generation is raised."""
        for attempt in range(40):
            self.poll(3, False)
            held = self.store.held
            if held is not None and held.mark == self.registry.marks[-1] and not self.gap:
                break
            if attempt == 20:
                self.raise_generation()
        assert self.store.held is not None
        assert self.store.held.mark == self.registry.marks[-1]
        assert self.store.items("workspace") == packed(self.registry)


Consumer.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestConsumer = Consumer.TestCase

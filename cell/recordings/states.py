"""The states of a recording and the ways between them; nothing else decides what may follow what."""

from enum import StrEnum


class State(StrEnum):
    """Where a recording stands."""

    CREATED = "created"  # started, nothing sent yet
    RECORDING = "recording"  # chunks arrive
    FINISHING = "finishing"  # the manifest is accepted, or the sweep took over; a worker is to begin
    PROCESSING = "processing"  # a worker is at it
    READY = "ready"
    FAILED = "failed"  # with a reason that the agent can read
    ABANDONED = "abandoned"  # discarded by the customer, or never sent a thing


UPLOADING = frozenset({State.CREATED, State.RECORDING})

ALLOWED: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.RECORDING, State.FINISHING, State.ABANDONED}),
    State.RECORDING: frozenset({State.FINISHING, State.ABANDONED}),
    # Back to RECORDING: the sweep had taken over, and the customer came back with more.
    State.FINISHING: frozenset({State.PROCESSING, State.RECORDING, State.FAILED}),
    State.PROCESSING: frozenset({State.READY, State.FAILED}),
    State.READY: frozenset({State.RECORDING}),
    State.FAILED: frozenset({State.RECORDING, State.PROCESSING}),
    State.ABANDONED: frozenset({State.RECORDING}),
}

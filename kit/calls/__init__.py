"""Signed calls between our processes: who calls is proved by a key, not by where the call comes from.

Outside use: `Operation` (what may be called), `Calls` (the caller's side), `Answers` and `Caller` (the other side),
`Party` and `Directory` (who there is), `RedisNonces` and `PostgresNonces`.
"""

from kit.calls.client import Calls, PeerUnavailable
from kit.calls.nonces import Nonces, PostgresNonces, RedisNonces, nonce_table
from kit.calls.operations import Calling, Operation
from kit.calls.parties import Directory, Party
from kit.calls.server import Answers, Caller

__all__ = [
    "Answers",
    "Caller",
    "Calling",
    "Calls",
    "Directory",
    "Nonces",
    "Operation",
    "Party",
    "PeerUnavailable",
    "PostgresNonces",
    "RedisNonces",
    "nonce_table",
]

"""The calls that the control plane answered lately: a table, since the global part has no Redis."""

from control_plane.base import Base
from kit.calls import nonce_table

CALL_NONCES = nonce_table(Base.metadata)

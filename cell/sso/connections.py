"""The connection that is in force, as the registry said it, and where its sign-ins are sent."""

import hashlib
import json

from cell.resources import Cell
from contracts.identity import SSO, Connection, connection_of, connection_record
from contracts.peers import PeerKind
from contracts.signing_in import SsoOff
from kit.calls import Calling, PeerUnavailable


def of(cell: Cell, key: str) -> Connection | None:
    """The workspace's connection; None where it has none, and in a cell that follows no feed."""
    record = None if cell.feed is None else cell.feed.record(SSO, key)
    return None if record is None else connection_of(key, record)


def enabled(cell: Cell, key: str) -> Connection | None:
    """The same, where it is switched on for everybody."""
    found = of(cell, key)
    return found if found is not None and found.enabled else None


def enforced(cell: Cell, key: str) -> bool:
    """Whether it is the only way in for everybody but owners, as the registry says."""
    found = of(cell, key)
    return found is not None and found.enforced


def for_test(cell: Cell, key: str) -> Connection:
    """The same, switched on or not. Raises SsoOff."""
    found = of(cell, key)
    if found is None:
        raise SsoOff
    return found


def fingerprint(connection: Connection) -> str:
    """What changes with anything that a sign-in depends on; switching it on and off leaves it."""
    record = connection_record(connection.model_copy(update={"enabled": False, "enforced": False}))
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def provisioning(cell: Cell) -> tuple[Calling, str]:
    """Who to call in this region about sign-ins. Raises PeerUnavailable where nobody is known."""
    found = [] if cell.feed is None else cell.feed.peers.of(PeerKind.PROVISIONING, cell.settings.region)
    if cell.calls is None or not found:
        raise PeerUnavailable
    return cell.calls, found[0].name


def identity_digest(idp_entity_id: str, name_id: str) -> bytes:
    """By which an identity is found."""
    return hashlib.sha256(f"{idp_entity_id}\0{name_id}".encode()).digest()

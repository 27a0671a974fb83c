"""Beginning a sign-in: a nonce for the browser, what it wants under the nonce's hash, and where it is sent."""

from dataclasses import dataclass
from uuid import UUID

from cell.resources import Cell
from cell.sso import connections
from cell.sso.store import Begun, Waiting, digest
from contracts.identity import Connection
from contracts.signing_in import SAML_BEGIN, Begin, Purpose
from kit.addresses import counted

PER_ADDRESS, WINDOW_S = 1000, 900  # a company shares one address, and begins to work at nine


@dataclass(frozen=True)
class Started:
    """Where to send the browser, and the nonce for its cookie."""

    url: str
    nonce: str


async def begin(
    cell: Cell,
    key: str,
    connection: Connection,
    address: str,
    purpose: Purpose = Purpose.SIGN_IN,
    *,
    onward: str = "",
    person_id: UUID | None = None,
) -> Started:
    """Remember what is wanted, and ask provisioning where to go. Raises SsoOff, PeerUnavailable, TooManyRequests."""
    await cell.rates.take("sso-address", counted(address), most=PER_ADDRESS, per_s=WINDOW_S)
    calls, provisioning = connections.provisioning(cell)
    workspace_id = connection.workspace_id
    wanted = Begun(purpose=purpose, onward=onward, person_id=person_id, connection=connections.fingerprint(connection))
    nonce = await Waiting(cell.redis, workspace_id).begin(wanted)
    asked = Begin(workspace_id=workspace_id, key=key, nonce=digest(nonce), purpose=purpose)
    return Started((await calls.call(provisioning, SAML_BEGIN, asked)).url, nonce)

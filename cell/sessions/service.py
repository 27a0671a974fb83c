"""Signing in with e-mail and password, and out again."""

from dataclasses import dataclass
from uuid import UUID

from cell.actors import Actor, ActorKind
from cell.audit import service as audit
from cell.people import service as people
from cell.people.models import Person
from cell.resources import Cell
from cell.sessions.store import Sessions
from contracts.tokens import Bearer
from kit.refusals import Kind, Refusal

# Per account and per address: a person mistypes a few times, a call centre shares one address.
PER_ACCOUNT, PER_ADDRESS, WINDOW_S = 10, 100, 900


class WrongPassword(Refusal):
    """E-mail and password are not those of an active member; which of them is wrong is not said."""

    kind = Kind.UNAUTHENTICATED
    title = "The e-mail address or the password is not right"
    detail = "Check both and try again."


@dataclass(frozen=True)
class SignedIn:
    """Who signed in, and the word for the cookie."""

    person: Person
    word: Bearer


async def sign_in(
    cell: Cell, key: str, workspace_id: UUID, email: str, password: str, browser: str, address: str
) -> SignedIn:
    """Begin a session. Raises WrongPassword, TooManyRequests."""
    account = f"{workspace_id}:{people.normalised(email)}"
    await cell.rates.take("sign-in-address", address, most=PER_ADDRESS, per_s=WINDOW_S)
    await cell.rates.take("sign-in-account", account, most=PER_ACCOUNT, per_s=WINDOW_S)
    async with cell.database.reading(workspace_id) as tx:
        person = await people.with_password(tx, email, password)
    if person is None:
        raise WrongPassword
    async with cell.database.writing(workspace_id) as tx:
        actor = Actor(ActorKind.PERSON, person.id, person.name, address)
        await audit.append(tx, actor, "session.begin", audit.Target("person", person.id))
    word = await Sessions(cell.redis, key, workspace_id).begin(person.id, browser, address)
    return SignedIn(person, word)

"""Adding a domain, proving that it is the workspace's own, and removing it."""

from secrets import choice
from string import ascii_lowercase, digits
from uuid import UUID

from pydantic import BaseModel

from cell.actors import Actor
from cell.audit import service as audit
from cell.domains import kinds, queries
from cell.domains.models import Domain
from contracts import domains as words
from contracts.signing_in import DomainChecked
from kit.database import Reading, Writing, now
from kit.jobs import later
from kit.refusals import Kind, Refusal

MOST = 50  # as many as one message to the registry holds
_TOKEN = 32  # characters, 165 bits


class NotADomain(Refusal):
    """What was typed is no domain that mail can go to."""

    kind = Kind.INVALID
    title = "This is not a domain"
    detail = "Write the part of your e-mail addresses after the @, such as example.com."


class DomainListed(Refusal):
    """The workspace has it already."""

    kind = Kind.CONFLICT
    title = "This domain is in the list already"
    detail = "Look for it below."


class TooManyDomains(Refusal):
    """As many as a workspace may have."""

    kind = Kind.CONFLICT
    title = "A workspace can have 50 domains"
    detail = "Remove one that you no longer need."


class DomainDiffers(Refusal):
    """What was typed to confirm is another domain."""

    kind = Kind.INVALID
    title = "This is not the domain's name"
    detail = "Nothing has changed. Type the domain as it stands on the page, to remove it and no other."


class NewDomain(BaseModel):
    """What an admin types."""

    domain: str


async def add(tx: Writing, by: Actor, text: str) -> Domain:
    """Put a domain in the list, with the word for its TXT record. Raises NotADomain, DomainListed, TooManyDomains."""
    try:
        name = words.normalised(text)
    except words.DomainRefused:
        raise NotADomain from None
    if await tx.first(queries.by_name(name)) is not None:
        raise DomainListed
    if await tx.one(queries.count()) >= MOST:
        raise TooManyDomains
    token = "".join(choice(ascii_lowercase + digits) for _ in range(_TOKEN))
    domain = Domain(domain=name, token=token, added_by=by.id, added_at=now(), seen=[])
    tx.add(domain)
    await tx.flush()
    await audit.append(tx, by, "domain.add", audit.Target("domain", domain.id), {"domain": name})
    return domain


async def checked(tx: Writing, by: Actor, domain_id: UUID, answer: DomainChecked) -> Domain:
    """Note what stands in the domain's TXT record. Once verified it stays so until somebody removes it.

    A record that goes missing later takes nobody's way in: whoever else proves the domain, proves it for a workspace
    of theirs.
    """
    domain = await tx.one(queries.by_id(domain_id).with_for_update())
    domain.checked_at, domain.found, domain.seen = now(), answer.found, list(answer.seen)
    if answer.found and domain.verified_at is None:
        domain.verified_at = domain.checked_at
        await audit.append(tx, by, "domain.verify", audit.Target("domain", domain.id), {"domain": domain.domain})
        later(tx, kinds.TELL)
    return domain


async def remove(tx: Writing, by: Actor, domain_id: UUID, typed: str) -> None:
    """Take a domain off the list; people with its addresses no longer come in by single sign-on.

    Raises DomainDiffers where `typed` is not its name, NotFound.
    """
    domain = await tx.one(queries.by_id(domain_id).with_for_update())
    if typed.strip().lower() != domain.domain:
        raise DomainDiffers
    await tx.delete(domain)
    await audit.append(tx, by, "domain.remove", audit.Target("domain", domain.id), {"domain": domain.domain})
    if domain.verified_at is not None:
        later(tx, kinds.TELL)


async def verified(tx: Reading) -> frozenset[str]:
    """The domains of which it is proved that they are the workspace's."""
    return frozenset(one.domain for one in await tx.all(queries.verified()))


def record_name(domain: Domain) -> str:
    """Where the TXT record has to stand."""
    return f"_cellcast.{domain.domain}"


def record_value(domain: Domain) -> str:
    """What has to stand in it."""
    return f"cellcast-verification={domain.token}"

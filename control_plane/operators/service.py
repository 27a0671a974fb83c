"""Issuing, changing and ending operators' tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Select, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_plane.act import Act
from control_plane.operators.models import OperatorToken
from control_plane.words import Kind as WordKind
from control_plane.words import Word, new_word
from kit.database import now
from kit.refusals import Kind, NotFound, Refusal

LONGEST_DAYS = 366
USED_EVERY = timedelta(minutes=1)  # how exact "last used" is; less would write on every call


class OperatorExists(Refusal):
    """The account has a token that counts."""

    kind = Kind.CONFLICT
    title = "This operator has a token already"
    detail = "Rotate it, or revoke it first."


class OperatorsExist(Refusal):
    """The bootstrap is for a registry that nobody can operate yet, or any more."""

    kind = Kind.CONFLICT
    title = "There is an operator already"
    detail = "Let that one issue the next token: cellcast operators issue."


@dataclass(frozen=True)
class Issued:
    """A token's row and its word, which is shown this once."""

    token: OperatorToken
    word: Word


async def bootstrap(act: Act, name: str, days: int) -> Issued:
    """The first operator's token, or the first again once every other one has ended. Raises OperatorsExist."""
    await _one_at_a_time(act.session)
    if (await act.session.scalars(_living(now()))).first() is not None:
        raise OperatorsExist
    return await _issue(act, name, days, "operator.bootstrap")


async def issue(act: Act, name: str, days: int) -> Issued:
    """A new operator's token. Raises OperatorExists."""
    await _one_at_a_time(act.session)
    if (await act.session.scalars(_living(now(), name))).first() is not None:
        raise OperatorExists
    return await _issue(act, name, days, "operator.issue")


async def rotate(act: Act, name: str, days: int, overlap: timedelta) -> Issued:
    """A new token for an operator; the present ones end after `overlap`. Raises NotFound for one without a token."""
    await _one_at_a_time(act.session)
    at = now()
    present = (await act.session.scalars(_living(at, name))).all()
    if not present:
        raise NotFound(f"There is no operator {name} with a token that counts.")
    for token in present:
        token.expires_at = min(token.expires_at, at + overlap)
    return await _issue(act, name, days, "operator.rotate")


async def revoke(act: Act, name: str) -> int:
    """End all tokens of an operator at once; how many. Raises NotFound where none was left."""
    present = (await act.session.scalars(_living(now(), name).with_for_update())).all()
    if not present:
        raise NotFound(f"There is no operator {name} with a token that counts.")
    for token in present:
        token.revoked_at = now()
    act.log("operator.revoke", "operator", name, {"tokens": len(present)})
    return len(present)


async def living(session: AsyncSession, word: Word) -> OperatorToken | None:
    """The token of this word, if it still counts."""
    return (await session.scalars(_living(now(), word.name).where(OperatorToken.digest == word.digest))).first()


async def used(session: AsyncSession, token: OperatorToken) -> None:
    """Remember that the token was used just now."""
    await session.execute(update(OperatorToken).where(OperatorToken.id == token.id).values(used_at=now()))


async def listed(session: AsyncSession) -> Sequence[OperatorToken]:
    """All tokens, ended ones too, newest first within a name."""
    found = select(OperatorToken).order_by(OperatorToken.name, OperatorToken.issued_at.desc())
    return (await session.scalars(found)).all()


async def _issue(act: Act, name: str, days: int, action: str) -> Issued:
    word, at = new_word(WordKind.OPERATOR, name), now()
    token = OperatorToken(
        id=uuid4(),
        name=name,
        digest=word.digest,
        issued_by=act.by.name,
        issued_at=at,
        expires_at=at + timedelta(days=days),
    )
    act.session.add(token)
    act.log(action, "operator", name, {"token": str(token.id), "expires_at": token.expires_at.isoformat()})
    return Issued(token, word)


async def _one_at_a_time(session: AsyncSession) -> None:
    # Two bootstraps or issues of one name at once would both find nobody there.
    await session.execute(text("lock table operator_tokens in share row exclusive mode"))


def _living(at: datetime, name: str | None = None) -> Select[OperatorToken]:
    found = select(OperatorToken).where(OperatorToken.revoked_at.is_(None), OperatorToken.expires_at > at)
    return found if name is None else found.where(OperatorToken.name == name)

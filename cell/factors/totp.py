"""Authenticator apps (RFC 6238): six digits that change every 30 seconds, each taken once."""

import hmac
import time
from uuid import UUID

import pyotp
import segno
from sqlalchemy import update

from cell.factors import queries, sealing
from cell.factors.models import Totp
from cell.settings import CellSettings
from kit.database import Writing, now

STEP_S = 30
DIGITS = 6
WINDOW = 1  # steps that a clock may be off either way


def new_secret() -> str:
    """160 random bits, in the base32 that apps read."""
    return pyotp.random_base32(32)


def address(secret: str, email: str, workspace: str) -> str:
    """The `otpauth:` address that a QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"Cellcast {workspace}")


def picture(text: str) -> str:
    """A QR code as a `data:` address of an SVG, drawn here: nobody else sees the secret."""
    return segno.make(text, error="m").svg_data_uri(scale=4, border=3, light="#fff")


def step_of(secret: str, code: str) -> int | None:
    """The step whose code this is, if it is of now, the step before or the one after."""
    app, present = pyotp.TOTP(secret), int(time.time()) // STEP_S
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):  # all of them, so that time tells nothing
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def add(tx: Writing, settings: CellSettings, person_id: UUID, secret: str, step: int) -> None:
    """Store the app whose code of `step` was typed to confirm it."""
    sealed = sealing.seal(settings, tx.workspace_id, person_id, secret.encode())
    tx.add(Totp(id=person_id, sealed=sealed, last_step=step, created_at=now()))


async def take(tx: Writing, settings: CellSettings, person_id: UUID, code: str) -> bool:
    """Whether this is the app's code, now and for the first time: of many who send it at once one is let in."""
    held = await tx.first(queries.totp_of(person_id))
    if held is None:
        return False
    step = step_of(sealing.opened(settings, tx.workspace_id, person_id, held.sealed).decode(), code)
    if step is None:
        return False
    later = (Totp.id == person_id) & (Totp.last_step < step)
    return await tx.execute(update(Totp).where(later).values(last_step=step)) == 1

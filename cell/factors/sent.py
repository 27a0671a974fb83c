"""What our script sends of a passkey, and what it is answered."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field
from quart import Response

from kit.passwords import LONGEST


class SentPasskey(BaseModel):
    """A credential as browsers write it in JSON (Web Authentication, 5.1), and where to go on."""

    credential: dict[str, Any]  # read by the library behind cell/factors/passkeys.py
    name: Annotated[str, Field(max_length=60)] = ""
    next: Annotated[str, Field(max_length=2000)] = ""


class SentProof(BaseModel):
    """A form that proves who one is: a password, or a code of the app, or a recovery code."""

    password: Annotated[str, Field(max_length=LONGEST)] = ""
    code: Annotated[str, Field(max_length=60)] = ""
    next: Annotated[str, Field(max_length=2000)] = ""


def options(text: str) -> Response:
    """What a browser needs, which is for this moment alone."""
    return Response(text, 200, {"Cache-Control": "no-store"}, content_type="application/json")


def go_on(to: str) -> Response:
    """Where the script leads next."""
    return options(json.dumps({"next": to}))

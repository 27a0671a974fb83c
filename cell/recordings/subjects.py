"""The subjects of the upload protocol: who holds an upload token, or the resume token, of a recording."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from quart import request

from cell import resources
from cell.recordings import grants, queries
from cell.recordings.grants import Upload, UploadTokenInvalid
from cell.recordings.models import Recording
from cell.workspaces import service as workspaces
from contracts.tokens import TokenInvalid, parse_resume, parse_upload, same
from kit.refusals import NotFound
from kit.web import Scope


def _word() -> str:
    scheme, _, word = request.headers.get("Authorization", "").partition(" ")
    return word if scheme == "Bearer" else ""


@dataclass(frozen=True)
class Uploader:
    """Holds a genuine upload token for a recording that takes footage; known without PostgreSQL."""

    key: str
    upload: Upload

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """Raises NotFound for another recording's or workspace's token, UploadTokenInvalid, RecordingClosed."""
        cell = resources.current()
        key, recording_id = str(path["key"]), path["recording_id"]
        try:
            claim = parse_upload(_word())
        except TokenInvalid:
            raise UploadTokenInvalid from None
        if claim.key != key or claim.recording_id != recording_id:
            raise NotFound
        workspace_id = await workspaces.id_of(cell.database, key)
        return cls(key, await grants.admit(cell, workspace_id, claim))


@dataclass(frozen=True)
class Sender:
    """Holds the upload or the resume token of a recording, in whatever state that is."""

    key: str
    workspace_id: UUID
    recording: Recording

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """Raises NotFound, UploadTokenInvalid, UploadTokenExpired."""
        cell = resources.current()
        key, recording_id = str(path["key"]), path["recording_id"]
        workspace_id = await workspaces.id_of(cell.database, key)
        async with cell.database.reading(workspace_id) as tx:
            recording = await tx.one(queries.by_id(recording_id))
        cls._check(key, recording)
        return cls(key, workspace_id, recording)

    @classmethod
    def _check(cls, key: str, recording: Recording) -> None:
        try:
            claim = parse_upload(_word())
        except TokenInvalid:
            Resumer._check(key, recording)
            return
        if claim.key != key or claim.recording_id != recording.id:
            raise NotFound
        grants.verified(claim, recording.upload_key)


class Resumer(Sender):
    """Holds the resume token, which the browser keeps beside its spool."""

    @classmethod
    def _check(cls, key: str, recording: Recording) -> None:
        try:
            resume = parse_resume(_word())
        except TokenInvalid:
            raise UploadTokenInvalid from None
        if resume.key != key or resume.recording_id != recording.id:
            raise NotFound
        if not same(recording.resume_digest, resume.digest):
            raise UploadTokenInvalid

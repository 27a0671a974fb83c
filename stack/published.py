"""A region's bucket of published snapshots: what its processes start from while the control plane is gone."""

import asyncio
import json

from stack import s3
from stack.site import Part, Site
from stack.supervisor import Step


class Published:
    """The bucket, kept by the S3 server of one of the region's cells; the control plane writes, the others read."""

    def __init__(self, site: Site, region: str, server: s3.Server, s3_process: str) -> None:
        self._site, self._server, self._s3_process = site, server, s3_process
        self._bucket = f"cellcast-published-{region}"
        self._writer = s3.Keys(f"publish-{region}", site.state.secret(f"{region}-publish"))
        self._reader = s3.Keys(f"start-{region}", site.state.secret(f"{region}-start"))
        self._step = f"{region}-published"

    @property
    def writer(self) -> dict[str, str]:
        """The bucket with keys that may write it."""
        return self._access(self._writer)

    @property
    def reader(self) -> str:
        """The bucket with keys that may read it, as the setting PUBLISHED_BUCKET of whoever starts from it."""
        return json.dumps(self._access(self._reader))

    def _access(self, keys: s3.Keys) -> dict[str, str]:
        place = {"endpoint": self._server.endpoint, "bucket": self._bucket, "region": self._server.region}
        return place | {"access_key": keys.access, "secret_key": keys.secret}

    def part(self) -> Part:
        """The bucket is made once."""
        return Part(steps=[Step(self._step, self._prepare, after=(self._s3_process,))])

    async def _prepare(self) -> None:
        if self._site.state.done.get(self._step) != self._s3_process:
            given = (self._server, self._bucket, self._writer, self._reader)
            await asyncio.to_thread(s3.prepare_published, *given)
            self._site.state.done[self._step] = self._s3_process
            self._site.state.save()

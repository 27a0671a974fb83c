"""What the conformance tools that others use say of it: scim2-tester and scim-sanity, over sockets."""

import asyncio
from typing import Any

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim_sanity.probe.runner import run_probe_api

from kit.localhost import to_loopback
from tests.control_plane.scim.world import Client

# scim-sanity takes 200 alone for a PATCH. RFC 7644 section 3.5.2 allows 204, and Entra ID wants it for groups.
EXPLAINED = {
    "PATCH /Groups/{id}",
    "PATCH /Groups/{id} add member",  # of a member that is not there besides, which is refused
    "PATCH /Groups/{id} remove members",
}


async def test_scim2_tester_finds_no_error(client: Client) -> None:
    base, host = to_loopback(client.base)

    def check() -> list[Any]:
        headers = {"Authorization": f"Bearer {client.token}", "Host": host}
        with httpx2.Client(base_url=base, headers=headers, timeout=30) as http:
            return list(check_server(SyncSCIMClient(http)))

    results = await asyncio.to_thread(check)
    wrong = [f"{one.title}: {one.reason}" for one in results if one.status in {Status.ERROR, Status.CRITICAL}]
    assert not wrong, "\n".join(wrong)
    skipped = [f"{one.title}: {one.reason}" for one in results if one.status is Status.SKIPPED]
    assert skipped == []
    assert len(results) > 100


async def test_scim_sanity_finds_only_what_is_meant(client: Client) -> None:
    base, _ = to_loopback(client.base)
    report = await asyncio.to_thread(run_probe_api, base, token=client.token)
    failed = {
        one["name"]: one["message"] for one in report["results"] if one["status"] in {"FAIL", "ERROR", "fail", "error"}
    }
    assert failed.keys() <= EXPLAINED, failed
    assert len(report["results"]) > 20

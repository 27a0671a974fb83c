"""Two workspaces of a region, the second's identity provider hostile: none of its answers counts for the first.

The same person's address is in both; tests/cell/sso/test_two_workspaces.py has what a cell makes of an identity.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from control_plane.saml.pending import cookie_name
from control_plane.saml.reasons import Reason
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import Says
from tests.control_plane.saml.region import CELL_URL, GO_URL, Region, Workspace, post
from tests.control_plane.saml.world import certificate

ANNA = "anna@customer.example"
MINE, THEIRS = Says().idp, "https://hostile.example/saml"
BY_THEIRS = idp.Signing(by=idp.signer("hostile"))


@dataclass(frozen=True)
class Two:
    """`mine`, and `theirs`, whose provider signs whatever it likes with a key of its own."""

    region: Region
    mine: Workspace
    theirs: Workspace
    entity: str  # under which theirs is registered

    async def refused(self, answer: Any, reason: Reason, number: int = 1) -> None:
        """Refused for that reason, and nobody was named to any cell."""
        assert answer.status == reason.status and "Location" not in answer.headers
        attempt = await self.region.attempt(number)
        assert attempt.reason == reason.code
        assert not self.region.cell.given


@pytest.fixture(params=[THEIRS, MINE], ids=["its own entity ID", "the other's entity ID"])
def two(region: Region, request: pytest.FixtureRequest) -> Two:
    """Theirs is registered under an entity ID of its own, or under that of the other's provider."""
    theirs = region.workspace(idp_entity_id=request.param, certificates=(certificate("hostile"),))
    return Two(region, region.workspace(), theirs, request.param)


def signed(says: Says, how: idp.Signing = BY_THEIRS) -> str:
    return idp.text(idp.signed(says, how=how))


@pytest.mark.parametrize(("claimed", "reason"), [(MINE, Reason.CERTIFICATE), (THEIRS, Reason.ISSUER)])
async def test_begun_at_mine_and_answered_by_theirs(two: Two, claimed: str, reason: Reason) -> None:
    under_way = await two.mine.begin()
    says = two.mine.says(idp=claimed, request_id=under_way.request_id, name_id=ANNA)
    await two.refused(await under_way.post(signed(says)), reason)


async def test_what_theirs_is_believed_leaves_mine_as_it_was(two: Two) -> None:
    """Also where both are called the same: what is known of a provider is known for one workspace."""
    for _ in range(2):
        under_way = await two.theirs.begin()
        good = two.theirs.says(idp=two.entity, request_id=under_way.request_id, name_id=ANNA)
        assert (await under_way.post(signed(good))).status == 303
        given = two.region.cell.given.pop()
        assert (given.workspace_id, given.name_id) == (two.theirs.id, ANNA)
    under_way = await two.mine.begin()
    says = two.mine.says(request_id=under_way.request_id, name_id=ANNA)
    await two.refused(await under_way.post(signed(says)), Reason.CERTIFICATE)


async def test_an_answer_for_mine_that_is_posted_to_theirs(two: Two) -> None:
    """Begun at theirs, and made out to the other: it would be good there, were it that provider's."""
    for number, how in enumerate((idp.Signing(), BY_THEIRS), 1):
        under_way = await two.theirs.begin()
        says = two.mine.says(idp=two.entity, request_id=under_way.request_id, name_id=ANNA)
        answer = await under_way.post(signed(says, how))
        await two.refused(answer, Reason.DESTINATION, number)


async def test_an_answer_of_theirs_to_a_request_of_theirs_that_is_posted_to_mine(two: Two) -> None:
    for number, how in enumerate((idp.Signing(), BY_THEIRS), 1):
        under_way = await two.theirs.begin()
        says = two.mine.says(request_id=under_way.request_id, name_id=ANNA)
        answer = await post(under_way.browser, two.mine.key, signed(says, how))
        await two.refused(answer, Reason.OTHER_WORKSPACE, number)


async def test_an_answer_of_mine_in_a_browser_that_began_at_theirs(two: Two) -> None:
    """The hostile one has a good answer of the other's, and the cookie of a request of its own."""
    mine, theirs = await two.mine.begin(), await two.theirs.begin()
    handle = theirs.browser.cookies[cookie_name(theirs.request_id)]
    theirs.browser.cookies[cookie_name(mine.request_id)] = handle
    good = signed(two.mine.says(request_id=mine.request_id, name_id=ANNA), idp.Signing())
    await two.refused(await post(theirs.browser, two.mine.key, good), Reason.OTHER_BROWSER)
    answer = await mine.post(good)
    assert answer.status == 410, "and the answer is used up"


@pytest.mark.parametrize("where", ["mine", "theirs"])
async def test_what_nobody_asked_for_is_believed_nowhere(two: Two, where: str) -> None:
    """From a tile of the hostile provider: each workspace begins anew, with its own provider."""
    workspace: Workspace = getattr(two, where)
    says = two.mine.says(idp=MINE, request_id=None, confirmed_request=None, name_id=ANNA)
    state = f"{CELL_URL}/w/{two.mine.key}/library"
    answer = await post(two.region.browser(), workspace.key, signed(says), RelayState=state)
    assert (answer.status, answer.headers["Location"]) == (303, f"{GO_URL}/w/{workspace.key}/sign-in?sso=1")
    assert not two.region.cell.called


async def test_a_relay_state_of_mine_leads_back_to_theirs(two: Two) -> None:
    under_way = await two.theirs.begin()
    says = two.theirs.says(idp=two.entity, request_id=under_way.request_id, name_id=ANNA)
    state = f"{CELL_URL}/w/{two.mine.key}/sign-in/complete?code={'0' * 64}"
    answer = await under_way.post(signed(says), RelayState=state)
    to = urlsplit(answer.headers["Location"])
    assert answer.status == 303 and to.path == f"/w/{two.theirs.key}/sign-in/complete" and "0" * 64 not in to.query
    assert two.region.cell.given[0].workspace_id == two.theirs.id

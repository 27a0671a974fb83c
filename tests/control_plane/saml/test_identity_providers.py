"""Identity providers that others wrote: metadata both ways, sign-in, encrypted assertions, groups to roles."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from contracts.identity import Attributes, Binding, Certificate, GroupRole
from control_plane.saml import idp_metadata, sp_metadata
from control_plane.saml.reasons import Reason
from tests.control_plane.saml.region import Region, SignInUnderWay, Workspace
from tests.idps.running import IdentityProvider, form_in, running


@dataclass(frozen=True)
class Case:
    """A provider that runs, and whether it encrypts."""

    provider: IdentityProvider
    kind: str
    encrypts: bool


@pytest.fixture(scope="module", params=["pysaml2", "pysaml2-encrypting", "samlify", "samlify-encrypting"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    kind, _, encrypts = str(request.param).partition("-")
    with running(kind, tmp_path_factory.mktemp("idp"), encrypts=bool(encrypts)) as provider:
        yield Case(provider, kind, bool(encrypts))


async def connected(region: Region, case: Case, binding: Binding = Binding.REDIRECT) -> Workspace:
    """As an admin connects it: each side reads the other's metadata."""
    workspace = region.workspace()
    facts = idp_metadata.read(await case.provider.metadata())
    assert facts.wants_signed_requests and facts.binding is Binding.REDIRECT
    assert facts.entity_id.startswith("http://idp.localhost:")
    region.connect(
        workspace,
        idp_entity_id=facts.entity_id,
        sso_url=facts.sso_url,
        binding=binding,
        certificates=tuple(Certificate.of(base64.b64decode(one)) for one in facts.certificates),
        want_response_signed=True,
        want_encrypted=case.encrypts,
        attributes=Attributes(
            email=case.provider.mail,
            first_name="firstName",
            last_name="lastName",
            groups="groups",
            roles=(GroupRole(group="support", role="admin"),),
            otherwise="auditor",
        ),
    )
    ours = (await region.browser().get(f"/saml/{workspace.key}/metadata")).body
    if case.kind == "samlify":  # it knows one certificate for each use
        site, keys = region.provisioning.sign_in.site, region.provisioning.sign_in.keys[:1]
        ours = sp_metadata.metadata(site, workspace.key, None, keys, signed=False)
    await case.provider.trust(ours)
    return workspace


async def answered(case: Case, under_way: SignInUnderWay, user: str) -> str:
    """The person signs in there; the answer that their browser carries."""
    if under_way.answer.status == 303:
        location, form = under_way.answer.headers["Location"], None
    else:
        location, form = form_in(under_way.answer.text)
    to, field = await case.provider.sign_in(location, user, form)
    assert to == under_way.of.acs
    return field


@pytest.mark.parametrize("binding", list(Binding))
@pytest.mark.parametrize(
    ("user", "name", "role"), [("ada", "Ada Lovelace", "admin"), ("bob", "Bob O'Brien & <Söhne>", "auditor")]
)
async def test_a_person_signs_in(region: Region, case: Case, binding: Binding, user: str, name: str, role: str) -> None:
    under_way = await (await connected(region, case, binding)).begin()
    answer = await under_way.post(await answered(case, under_way, user))
    assert answer.status == 303, (await region.attempt()).model_dump_json()
    given = region.cell.given[0]
    assert (given.email, given.name, given.role) == (f"{user}@customer.example", name, role)
    assert given.name_id == f"{user}@customer.example" and given.nonce == under_way.nonce
    assert given.answer.encrypted is False, "what is handed on is in plain"


async def test_its_answer_is_good_once_and_for_one_browser(region: Region, case: Case) -> None:
    workspace = await connected(region, case)
    under_way = await workspace.begin()
    field = await answered(case, under_way, "ada")
    cookies = dict(under_way.browser.cookies)
    assert (await under_way.post(field)).status == 303
    under_way.browser.cookies.update(cookies)
    assert (await under_way.post(field)).status == 410
    other = await workspace.begin()
    stolen = await answered(case, other, "ada")
    assert (await other.post(stolen, region.browser())).status == 403
    assert [(await region.attempt(number)).reason for number in (1, 2)] == [
        Reason.REQUEST_UNKNOWN.code,
        Reason.OTHER_BROWSER.code,
    ]


async def test_a_request_that_was_changed_is_refused_there(region: Region, case: Case) -> None:
    """Our signature is looked at: what we send is what they read."""
    under_way = await (await connected(region, case)).begin()
    location = under_way.answer.headers["Location"]
    before, _, signature = location.rpartition("&Signature=")
    with pytest.raises(AssertionError):
        await case.provider.sign_in(f"{before}&Signature={'A' * len(signature)}", "ada")

"""A sign-in over HTTP: from the cell's word to the code, and everything that is refused on the way with its reason."""

import base64
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from contracts.identity import Attributes, Binding, GroupRole, NameIdFormat
from contracts.signing_in import Begin, NotAdmitted, Purpose, SignInUnknown, SsoOff
from control_plane.saml import signatures
from control_plane.saml.judging import LARGEST_FORM
from control_plane.saml.pending import cookie_name
from control_plane.saml.reasons import Reason
from control_plane.saml.schema import follows_schema
from kit.refusals import NotFound
from tests.cell.browser import Answer
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import Says
from tests.control_plane.saml.region import CELL_URL, GO_URL, Region, SignInUnderWay, Workspace, post, post_raw
from tests.control_plane.saml.world import our_keys

MAPPED = Attributes(
    email="mail",
    first_name="given",
    last_name="family",
    groups="groups",
    roles=(GroupRole(group="chiefs", role="admin"), GroupRole(group="eyes", role="auditor")),
)


async def refused(region: Region, answer: Answer, reason: Reason, number: int = 1) -> None:
    """A page with a reference, no code, no cookie but one that is dropped, and the reason in the workspace's log."""
    assert answer.status == reason.status, answer.text
    assert "Location" not in answer.headers and not region.cell.given
    assert all("Max-Age=0" in line for line in answer.headers.getlist("Set-Cookie"))
    attempt = await region.attempt(number)
    assert attempt.reason == reason.code
    assert attempt.reference in answer.text and attempt.hint not in answer.text
    assert 'href="http://go.localhost/w/' in answer.text


async def test_a_person_signs_in(region: Region) -> None:
    workspace = region.workspace(attributes=MAPPED)
    under_way = await workspace.begin()
    said = {"mail": ["Ada@Customer.example"], "given": ["Ada"], "family": ["Lovelace"], "groups": ["eyes", "chiefs"]}
    answer = await under_way.finish(workspace.says(request_id=under_way.request_id, attributes=said))
    assert answer.status == 303, answer.text
    given = region.cell.given[0]
    to = urlsplit(answer.headers["Location"])
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{CELL_URL}/w/{workspace.key}/sign-in/complete"
    assert set(parse_qs(to.query)) == {"code"} and len(parse_qs(to.query)["code"][0]) == 64
    assert (given.nonce, given.purpose, given.workspace_id) == (under_way.nonce, Purpose.SIGN_IN, workspace.id)
    assert (given.email, given.name, given.groups) == ("Ada@Customer.example", "Ada Lovelace", ("eyes", "chiefs"))
    assert (given.role, given.name_id, given.idp_entity_id) == ("admin", "ada@customer.example", Says().idp)
    assert given.ends_at is None and given.answer.issuer == Says().idp
    assert region.cell.called == ["eu-1"]
    assert under_way.browser.cookies == {}, "the cookie of a request that is over is dropped"


async def test_the_end_of_the_session_is_handed_on(region: Region) -> None:
    under_way = await region.workspace().begin()
    says = under_way.of.says(request_id=under_way.request_id, session_until=3600)
    assert (await under_way.finish(says)).status == 303
    ends = region.cell.given[0].ends_at
    assert ends is not None and abs(ends - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("groups", "role"), [([], "agent"), (["eyes"], "auditor"), (["chiefs", "eyes"], "admin"), (["CHIEFS"], "agent")]
)
async def test_the_first_rule_that_fits_makes_the_role(region: Region, groups: list[str], role: str) -> None:
    under_way = await region.workspace(attributes=MAPPED).begin()
    says = under_way.of.says(request_id=under_way.request_id, attributes={"groups": groups})
    assert (await under_way.finish(says)).status == 303
    assert region.cell.given[0].role == role


async def test_without_rules_roles_are_the_workspaces_own(region: Region) -> None:
    under_way = await region.workspace().begin()
    await under_way.finish()
    assert region.cell.given[0].role is None


async def test_an_encrypted_assertion(region: Region) -> None:
    workspace = region.workspace(want_encrypted=True)
    for key in (0, 1):
        under_way = await workspace.begin()
        root = idp.signed(workspace.says(request_id=under_way.request_id), parts="assertion")
        sealed = idp.encrypt(root, our_keys(key).certificate_pem.encode())
        idp.sign(sealed)
        assert (await under_way.post(idp.text(sealed))).status == 303
    assert len(region.cell.given) == 2
    under_way = await workspace.begin()
    await refused_next(region, await under_way.finish(), Reason.UNENCRYPTED)


async def refused_next(region: Region, answer: Answer, reason: Reason) -> None:
    region.cell.given.clear()
    await refused(region, answer, reason)


# ---- our request


async def test_the_request_says_who_asks_and_is_signed(region: Region) -> None:
    under_way = await region.workspace(name_id_format=NameIdFormat.PERSISTENT).begin()
    answer, request = under_way.answer, under_way.request
    assert answer.status == 303 and follows_schema(request)
    to, _, query = answer.headers["Location"].partition("?")
    assert to == "https://idp.example/sso" == request.get("Destination")
    assert request.get("AssertionConsumerServiceURL") == under_way.of.acs
    assert request.get("ForceAuthn") is None
    policy = request.find("samlp:NameIDPolicy", idp.NS)
    assert policy is not None and policy.get("Format") == idp.PERSISTENT
    assert "RelayState" not in query
    signed, _, signature = query.rpartition("&Signature=")
    certificate = x509.load_pem_x509_certificate(our_keys().certificate_pem.encode())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(unquote(signature)), signed.encode(), padding.PKCS1v15(), SHA256())
    assert "rsa-sha256" in signed.rpartition("&SigAlg=")[2]


async def test_an_address_that_has_a_query_already(region: Region) -> None:
    workspace = region.workspace(sso_url="https://idp.example/sso?idpid=C0", sign_requests=False)
    to = (await workspace.begin()).answer.headers["Location"]
    assert set(parse_qs(urlsplit(to).query)) == {"idpid", "SAMLRequest"}


async def test_the_post_binding(region: Region) -> None:
    under_way = await region.workspace(binding=Binding.POST).begin()
    assert under_way.answer.status == 200
    page = etree.HTML(under_way.answer.body)
    form = page.find(".//form")
    assert form is not None and form.get("action") == "https://idp.example/sso"
    fields = {one.get("name"): one.get("value") for one in page.iterfind(".//input")}
    assert set(fields) == {"SAMLRequest"}
    request = etree.fromstring(base64.b64decode(str(fields["SAMLRequest"])))
    assert follows_schema(request)
    assert signatures.VerifyingKey(our_keys().certificate_pem).verifies(request)
    policy = under_way.answer.headers["Content-Security-Policy"]
    assert "form-action https:;" in policy and "script-src 'sha256-" in policy and "unsafe" not in policy


@pytest.mark.parametrize(("purpose", "always"), [(Purpose.FRESH, False), (Purpose.SIGN_IN, True)])
async def test_the_person_is_to_prove_it_anew(region: Region, purpose: Purpose, always: bool) -> None:
    under_way = await region.workspace(force_authn=always).begin(purpose)
    assert under_way.request.get("ForceAuthn") == "true"
    says = under_way.of.says(request_id=under_way.request_id, authenticated=-3600)
    await refused(region, await under_way.finish(says), Reason.AUTHN_INSTANT)


async def test_the_way_out_can_be_opened_again_and_has_a_cookie_of_its_own(region: Region) -> None:
    under_way = await region.workspace().begin()
    again = await under_way.browser.page(urlsplit(under_way.url).path)
    line = again.headers["Set-Cookie"]
    assert again.status == 303 and under_way.request_id in str(etree.tostring(under_way.request))
    for part in ("__Host-saml-", "Secure", "HttpOnly", "SameSite=None", "Path=/", "Max-Age=600"):
        assert part in line
    assert again.headers["Cache-Control"] == "no-store"
    assert (await under_way.finish()).status == 303


async def test_a_way_out_of_nobody(region: Region) -> None:
    workspace, other = region.workspace(), region.workspace()
    under_way = await workspace.begin()
    handle = urlsplit(under_way.url).path.rpartition("/")[2]
    for path in (f"/saml/{workspace.key}/go/{'0' * 64}", f"/saml/{other.key}/go/{handle}", "/saml/zzzzzz/go/x"):
        answer = await region.browser().page(path)
        assert answer.status in {404, 410} and "Set-Cookie" not in answer.headers


async def test_a_connection_that_is_switched_off_serves_tests_alone(region: Region) -> None:
    workspace = region.workspace(enabled=False)
    for purpose in (Purpose.SIGN_IN, Purpose.FRESH):
        with pytest.raises(SsoOff):
            await workspace.begin(purpose)
    under_way = await workspace.begin(Purpose.TEST)
    assert (await under_way.finish()).status == 303
    assert region.cell.given[0].purpose is Purpose.TEST


async def test_it_is_begun_for_the_workspace_that_is_named(region: Region) -> None:
    workspace = region.workspace()
    with pytest.raises(SsoOff):
        await region.provisioning.sign_in.begin(Begin(workspace_id=uuid4(), key=workspace.key, nonce="0" * 64))
    with pytest.raises(NotFound):
        await region.provisioning.sign_in.begin(Begin(workspace_id=workspace.id, key="zzzzzz", nonce="0" * 64))


async def test_a_connection_that_goes_meanwhile(region: Region) -> None:
    under_way = await region.workspace().begin()
    region.connect(under_way.of, enabled=False)
    await refused(region, await under_way.finish(), Reason.NO_CONNECTION)


# ---- what is refused


async def test_an_answer_is_used_once(region: Region) -> None:
    under_way = await region.workspace().begin()
    field = idp.text(idp.signed(under_way.of.says(request_id=under_way.request_id)))
    cookies = dict(under_way.browser.cookies)
    assert (await under_way.post(field)).status == 303
    region.cell.given.clear()
    under_way.browser.cookies.update(cookies)
    await refused(region, await under_way.post(field), Reason.REQUEST_UNKNOWN)


async def test_an_assertion_is_used_once_whatever_carries_it(region: Region) -> None:
    """The provider is tricked, or hostile: the same assertion id for two requests."""
    workspace = region.workspace()
    for number, reason in enumerate((None, Reason.REPLAYED)):
        under_way = await workspace.begin()
        says = workspace.says(request_id=under_way.request_id, assertion_id=f"_same-{workspace.key}")
        answer = await under_way.finish(says)
        if reason is None:
            assert answer.status == 303, number
        else:
            await refused_next(region, answer, reason)


async def test_two_at_once_are_one(region: Region) -> None:
    import asyncio

    under_way = await region.workspace().begin()
    field = idp.text(idp.signed(under_way.of.says(request_id=under_way.request_id)))
    browsers = [replace(under_way.browser, cookies=dict(under_way.browser.cookies)) for _ in range(8)]
    answers = await asyncio.gather(*(under_way.post(field, browser) for browser in browsers))
    assert sorted(one.status for one in answers) == [303] + [410] * 7 and len(region.cell.given) == 1


async def test_another_browser_carries_the_answer(region: Region) -> None:
    under_way = await region.workspace().begin()
    field = idp.text(idp.signed(under_way.of.says(request_id=under_way.request_id)))
    await refused(region, await under_way.post(field, region.browser()), Reason.OTHER_BROWSER)


@pytest.mark.parametrize("value", ["", "0" * 64, "é", "x" * 5000])
async def test_a_cookie_that_is_not_the_requests(region: Region, value: str) -> None:
    under_way = await region.workspace().begin()
    under_way.browser.cookies = {cookie_name(under_way.request_id): value}
    await refused(region, await under_way.finish(), Reason.OTHER_BROWSER)


async def test_a_cookie_of_another_sign_in_of_the_same_browser(region: Region) -> None:
    workspace = region.workspace()
    first, second = await workspace.begin(), await workspace.begin()
    mine = second.browser.cookies[cookie_name(second.request_id)]
    first.browser.cookies = {cookie_name(first.request_id): mine}
    await refused(region, await first.finish(), Reason.OTHER_BROWSER)


async def test_several_tabs_do_not_disturb_one_another(region: Region) -> None:
    workspace = region.workspace()
    first, second = await workspace.begin(), await workspace.begin()
    both = {**first.browser.cookies, **second.browser.cookies}
    for one in (second, first):
        one.browser.cookies = dict(both)
        assert (await one.finish()).status == 303


async def test_a_request_of_another_workspace(region: Region) -> None:
    """Both workspaces are at one provider, which signs with one certificate."""
    mine, theirs = region.workspace(), region.workspace()
    under_way = await theirs.begin()
    says = mine.says(request_id=under_way.request_id)
    answer = await post(under_way.browser, mine.key, idp.text(idp.signed(says)))
    await refused(region, answer, Reason.OTHER_WORKSPACE)


async def test_an_answer_to_nothing_starts_anew_at_the_cell(region: Region) -> None:
    workspace = region.workspace()
    says = workspace.says(request_id=None, confirmed_request=None)
    answer = await post(region.browser(), workspace.key, idp.text(idp.signed(says)), RelayState="https://evil.example/")
    assert answer.status == 303
    assert answer.headers["Location"] == f"{GO_URL}/w/{workspace.key}/sign-in?sso=1"
    assert not region.cell.given and not region.cell.called


async def test_a_relay_state_leads_nowhere(region: Region) -> None:
    under_way = await region.workspace().begin()
    field = idp.text(idp.signed(under_way.of.says(request_id=under_way.request_id)))
    answer = await under_way.post(field, RelayState="https://evil.example/")
    assert (
        answer.status == 303 and answer.headers["Location"].startswith(CELL_URL) and "evil" not in str(answer.headers)
    )


async def test_a_request_that_was_never_made(region: Region) -> None:
    workspace = region.workspace()
    field = idp.text(idp.signed(workspace.says(request_id="_" + secrets.token_hex(32))))
    await refused(region, await post(region.browser(), workspace.key, field), Reason.REQUEST_UNKNOWN)
    assert (await region.attempt()).purpose is None


async def test_what_is_wrong_with_an_answer_is_in_the_log_in_words(region: Region) -> None:
    under_way = await region.workspace().begin()
    says = under_way.of.says(request_id=under_way.request_id, audience="urn:another")
    await refused(region, await under_way.finish(says), Reason.AUDIENCE)
    attempt = await region.attempt()
    assert "Okta" in attempt.hint and attempt.answer.audiences == ("urn:another",)
    assert attempt.answer.name_id == "ada@customer.example" and attempt.purpose is Purpose.SIGN_IN
    assert len(attempt.answer.certificates) == 2


async def test_an_admin_who_tries_is_told_why(region: Region) -> None:
    under_way = await region.workspace(enabled=False).begin(Purpose.TEST)
    says = under_way.of.says(request_id=under_way.request_id, audience="urn:another")
    answer = await under_way.finish(says)
    assert answer.status == 403 and "Set the audience (entity ID) in Okta to ours." in answer.text


@pytest.mark.parametrize("skew", [-20, 29])  # what is about to end has ten seconds, on a machine that may be slow
async def test_clocks_up_to_30_seconds_apart(region: Region, skew: int) -> None:
    under_way = await region.workspace().begin()
    times = {"not_before": skew, "confirmed_until": 300 + skew} if skew > 0 else {"not_on_or_after": skew}
    says = under_way.of.says(request_id=under_way.request_id, issued=skew, authenticated=skew, **times)
    assert (await under_way.finish(says)).status == 303


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"not_on_or_after": -31}, Reason.EXPIRED),
        ({"confirmed_until": -31}, Reason.EXPIRED),
        ({"not_before": 33, "not_on_or_after": 600}, Reason.NOT_YET),
        ({"issued": 33}, Reason.ISSUE_INSTANT),
    ],
)
async def test_clocks_31_seconds_apart(region: Region, changes: dict[str, float], reason: Reason) -> None:
    under_way = await region.workspace().begin()
    says = under_way.of.says(request_id=under_way.request_id, **changes)
    await refused(region, await under_way.finish(says), reason)


# ---- the cell


@pytest.mark.parametrize("refusal", [NotAdmitted(reason="no-such-person"), SignInUnknown(), SsoOff()])
async def test_the_cell_does_not_let_the_person_in(
    region: Region, refusal: NotAdmitted | SignInUnknown | SsoOff
) -> None:
    under_way = await region.workspace().begin()
    region.cell.refuses = refusal
    answer = await under_way.finish()
    assert answer.status == 403 and refusal.title in answer.text and "Location" not in answer.headers
    assert not region.cell.attempts, "the cell has it in its own log"


async def test_the_cell_is_away(region: Region) -> None:
    under_way = await region.workspace().begin()
    region.cell.away = True
    answer = await under_way.finish()
    assert answer.status == 503 and "try again" in answer.text
    region.cell.away = False
    assert (await region.attempt()).reason == "cell-away", "it is told when it is back"


async def test_the_identity_goes_to_the_workspaces_cell_and_no_other(region: Region) -> None:
    workspace = region.workspace(cell="eu-2")
    under_way = await workspace.begin()
    answer = await under_way.finish()
    assert answer.headers["Location"].startswith("http://eu-2.localhost:8101/w/")
    assert region.cell.called == ["eu-2"]


async def test_a_workspace_of_another_region_is_nobodys(region: Region) -> None:
    assert (await region.browser().page("/saml/zzzzzz/metadata")).status == 404
    assert (await post(region.browser(), "zzzzzz", idp.text(idp.signed()))).status == 404


# ---- bad input at the address of answers


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.NOT_A_RESPONSE),
        (b"SAMLRequest=PHNhbWw%2B", Reason.NOT_A_RESPONSE),
        (b"SAMLResponse=a&SAMLResponse=b", Reason.NOT_A_RESPONSE),
        (b"SAMLResponse=%25%25", Reason.NOT_BASE64),
        (b"SAMLResponse=\xff\xfe", Reason.NOT_BASE64),
        (b"&".join(b"a=1" for _ in range(50)), Reason.NOT_BASE64),
        (b"SAMLResponse=PGEvPg%3D%3D", Reason.NOT_A_RESPONSE),
        (b"SAMLResponse=" + b"A" * 400_000, Reason.TOO_LARGE),
        (b"SAMLResponse=" + b"A" * LARGEST_FORM, Reason.TOO_LARGE),
    ],
    ids=lambda value: value.name if isinstance(value, Reason) else str(len(value)),
)
async def test_what_is_no_answer(region: Region, body: bytes, reason: Reason) -> None:
    workspace = region.workspace()
    await refused(region, await post_raw(region.browser(), workspace.key, body), reason)


async def test_300_kilobytes(region: Region) -> None:
    under_way = await region.workspace().begin()
    groups = [f"group-{number:05}-{'x' * 200}" for number in range(1100)]
    says = under_way.of.says(request_id=under_way.request_id, attributes={"groups": groups})
    await refused(region, await under_way.finish(says), Reason.TOO_LARGE)


async def test_other_forms_and_methods(region: Region) -> None:
    workspace, browser = region.workspace(), region.browser()
    path = f"/saml/{workspace.key}/acs"
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = await browser.ask(method, path, headers={"Accept": "text/html"})
        assert answer.status in {403, 405}, method
    multipart = b'--x\r\nContent-Disposition: form-data; name="SAMLResponse"\r\n\r\nPGEvPg==\r\n--x--\r\n'
    answer = await post_raw(browser, workspace.key, multipart, **{"Content-Type": "multipart/form-data; boundary=x"})
    await refused(region, answer, Reason.NOT_A_RESPONSE)
    for odd in ("/saml/%2Facs/acs", f"/saml/{workspace.key}%2Facs", f"/saml/{workspace.key}/acs%2F", "/saml//acs"):
        assert (await browser.ask("POST", odd, headers={"Origin": "https://idp.example"})).status in {403, 404, 405}


async def test_other_pages_may_post_to_no_other_address(region: Region) -> None:
    headers = {"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/sign-up", "/find"):
        assert (await region.browser().ask("POST", path, headers=headers, form={"email": "a@b.example"})).status == 403


@given(
    body=st.one_of(st.binary(max_size=3000), st.text(max_size=2000).map(lambda text: f"SAMLResponse={text}".encode()))
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_body_is_ever_a_failure(region: Region, fuzzed: Workspace, body: bytes) -> None:
    answer = await post_raw(region.browser(), fuzzed.key, body)
    assert 400 <= answer.status < 500


@pytest.fixture(scope="module")
def fuzzed(opened_region: Region) -> Workspace:
    return opened_region.workspace()


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_changed_answer_is_ever_a_failure(region: Region, fuzzed: Workspace, data: st.DataObject) -> None:
    """Bytes of a good answer are changed, under a request that is truly waiting."""
    under_way: SignInUnderWay = await fuzzed.begin()
    text = bytearray(etree.tostring(idp.signed(fuzzed.says(request_id=under_way.request_id))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.integers(0, 255))
    answer = await under_way.post(base64.b64encode(bytes(text)).decode())
    assert answer.status < 500

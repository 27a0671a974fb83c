"""What cells may ask of provisioning about signing in."""

from contracts.signing_in import (
    DOMAIN_CHECK,
    SAML_BEGIN,
    SAML_FACTS,
    SAML_METADATA,
    Begin,
    Begun,
    DomainChecked,
    DomainToCheck,
    Facts,
    IdpFacts,
    Metadata,
    OfKey,
)
from control_plane.saml import idp_metadata, sp_metadata
from control_plane.saml.domains import Domains
from control_plane.saml.fetching import Fetching
from control_plane.saml.sign_in import SignIn
from kit.calls import Answers, Caller
from kit.refusals import NotFound


def answer(answers: Answers, sign_in: SignIn, fetching: Fetching, domains: Domains) -> None:
    """Register them."""

    @answers.to(SAML_BEGIN)
    async def begin(by: Caller, asked: Begin) -> Begun:
        return Begun(url=await sign_in.begin(asked))

    @answers.to(SAML_FACTS)
    async def facts(by: Caller, asked: OfKey) -> Facts:
        workspace = sign_in.workspace(asked.key)
        if workspace.workspace_id != asked.workspace_id:
            raise NotFound
        return sp_metadata.facts(sign_in.site, asked.key, sign_in.known.connection(workspace), sign_in.keys)

    @answers.to(SAML_METADATA)
    async def metadata(by: Caller, asked: Metadata) -> IdpFacts:
        document = await fetching.get(asked.url) if asked.url else asked.document.encode()
        return await idp_metadata.read_elsewhere(document)

    @answers.to(DOMAIN_CHECK)
    async def check(by: Caller, asked: DomainToCheck) -> DomainChecked:
        return await domains.check(asked.domain, asked.token)

"""What is where in each product: the words of its own pages, which stay in English, and the presets that go with them.

The sentences round them are the same for all, in the templates. Sources: each vendor's administration manual.
"""

from dataclasses import dataclass, field

from contracts.identity import Attributes, NameIdFormat, Vendor

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


@dataclass(frozen=True)
class Guide:
    """One product. Paths are what one clicks one after the other; pairs are a field and what is entered there."""

    name: str
    create: tuple[str, ...]  # where an application is made
    enter_at: tuple[str, ...]  # where our values go
    entity_id: tuple[str, ...]  # the fields for our entity ID
    acs_url: tuple[str, ...]  # the fields for our ACS URL
    choose: tuple[tuple[str, str], ...]  # what else is set
    claims_at: tuple[str, ...]  # where attributes are set
    claims: tuple[tuple[str, str], ...]  # attribute, and what of the product's it is made of
    groups: tuple[str, ...]  # how groups are added to them
    assign: tuple[str, ...]  # where people are let in
    metadata: tuple[str, ...]  # where its metadata is found
    as_file: bool  # whether that is a file rather than an address
    signing: tuple[str, ...]  # where our signing certificate goes, should requests be checked; empty: it never does
    encryption: tuple[str, ...]  # where our encryption certificate goes; empty: it cannot encrypt
    attributes: Attributes
    name_id_format: NameIdFormat = NameIdFormat.UNSPECIFIED
    group_hint: str = field(default="")  # what groups look like, by example
    entity_first: bool = False  # its form asks for our entity ID before the ACS URL
    claims_there: bool = False  # a new application sends the attributes by itself


_SHORT = Attributes(email="email", first_name="firstName", last_name="lastName", groups="groups")

GUIDES: dict[Vendor, Guide] = {
    Vendor.OKTA: Guide(
        name="Okta",
        create=("Applications", "Create App Integration", "SAML 2.0"),
        enter_at=("Configure SAML", "SAML Settings"),
        entity_id=("Audience URI (SP Entity ID)",),
        acs_url=("Single sign-on URL",),
        choose=(
            ("Use this for Recipient URL and Destination URL", "✓"),
            ("Default RelayState", "–"),
            ("Name ID format", "EmailAddress"),
            ("Application username", "Email"),
            ("Assertion Signature", "Signed"),
            ("Signature Algorithm", "RSA-SHA256"),
            ("Digest Algorithm", "SHA256"),
        ),
        claims_at=("Attribute Statements",),
        claims=(("email", "user.email"), ("firstName", "user.firstName"), ("lastName", "user.lastName")),
        groups=("Group Attribute Statements", "groups", "Matches regex", ".*"),
        assign=("Assignments", "Assign"),
        metadata=("Sign On", "SAML 2.0", "Metadata details", "Metadata URL"),
        as_file=False,
        signing=("Show Advanced Settings", "Signature Certificate"),
        encryption=("Show Advanced Settings", "Assertion Encryption", "Encrypted", "Encryption Certificate"),
        attributes=_SHORT,
        group_hint="Support team",
    ),
    Vendor.ENTRA: Guide(
        name="Microsoft Entra ID",
        create=("Enterprise apps", "New application", "Create your own application", "Non-gallery"),
        enter_at=("Single sign-on", "SAML", "Basic SAML Configuration"),
        entity_id=("Identifier (Entity ID)",),
        acs_url=("Reply URL (Assertion Consumer Service URL)",),
        choose=(
            ("Relay State (Optional)", "–"),
            ("Attributes & Claims > Unique User Identifier (Name ID)", "user.userprincipalname"),
            ("Name identifier format", "Email address"),
            ("SAML Certificates > Token signing certificate > Signing Option", "Sign SAML assertion"),
            ("Signing Algorithm", "SHA-256"),
        ),
        claims_at=("Single sign-on", "Attributes & Claims"),
        claims=(
            (f"{_CLAIMS}emailaddress", "user.mail"),
            (f"{_CLAIMS}givenname", "user.givenname"),
            (f"{_CLAIMS}surname", "user.surname"),
        ),
        groups=(
            "Attributes & Claims",
            "Add a group claim",
            "Groups assigned to the application",
            "Source attribute",
            "Group ID",
        ),
        assign=("Users and groups", "Add user/group"),
        metadata=("Single sign-on", "SAML Certificates", "App Federation Metadata Url"),
        as_file=False,
        signing=("SAML Certificates", "Verification certificates (optional)", "Edit", "Upload certificate"),
        encryption=("Security", "Token encryption", "Import Certificate", "Activate token encryption certificate"),
        attributes=Attributes(
            email=f"{_CLAIMS}emailaddress",
            first_name=f"{_CLAIMS}givenname",
            last_name=f"{_CLAIMS}surname",
            groups="http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        ),
        group_hint="8f6e1c9a-0b1d-4f7e-9c56-2a41d5f0b6aa",
        entity_first=True,
        claims_there=True,
    ),
    Vendor.GOOGLE: Guide(
        name="Google Workspace",
        create=("Apps", "Web and mobile apps", "Add app", "Add custom SAML app"),
        enter_at=("Service provider details",),
        entity_id=("Entity ID",),
        acs_url=("ACS URL",),
        choose=(
            ("Start URL (optional)", "–"),
            ("Signed response", "☐"),
            ("Name ID format", "EMAIL"),
            ("Name ID", "Basic Information > Primary email"),
        ),
        claims_at=("Attribute mapping", "Add mapping"),
        claims=(("email", "Primary email"), ("firstName", "First name"), ("lastName", "Last name")),
        groups=("Group membership (optional)", "Google groups", "App attribute", "groups"),
        assign=("User access", "ON for everyone", "Save"),
        metadata=("Web and mobile apps", "Cellcast", "Download metadata"),
        as_file=True,
        signing=(),
        encryption=(),
        attributes=_SHORT,
        name_id_format=NameIdFormat.EMAIL,
        group_hint="Support team",
    ),
    Vendor.ONELOGIN: Guide(
        name="OneLogin",
        create=("Applications", "Add App", "SAML Custom Connector (Advanced)"),
        enter_at=("Configuration",),
        entity_id=("Audience (EntityID)",),
        acs_url=("Recipient", "ACS (Consumer) URL Validator", "ACS (Consumer) URL"),
        choose=(
            ("RelayState", "–"),
            ("SAML initiator", "OneLogin"),
            ("SAML nameID format", "Email"),
            ("SAML signature element", "Assertion"),
            ("SSO > SAML Signature Algorithm", "SHA-256"),
        ),
        claims_at=("Parameters", "+", "Include in SAML assertion"),
        claims=(("email", "Email"), ("firstName", "First Name"), ("lastName", "Last Name")),
        groups=(
            "Parameters",
            "+",
            "groups",
            "Include in SAML assertion",
            "Multi-value parameter",
            "User Roles",
            "Semicolon Delimited input (Multi-value output)",
        ),
        assign=("Access", "Roles"),
        metadata=("SSO", "Issuer URL"),
        as_file=False,
        signing=(),
        encryption=("Configuration", "Encrypt assertion", "SAML Encryption", "Public key"),
        attributes=_SHORT,
        group_hint="Support team",
        entity_first=True,
    ),
    Vendor.JUMPCLOUD: Guide(
        name="JumpCloud",
        create=(
            "SSO Applications",
            "Add New Application",
            "Custom Application",
            "Manage Single Sign-On (SSO)",
            "Configure SSO with SAML",
        ),
        enter_at=("Configure Application", "SSO"),
        entity_id=("SP Entity ID",),
        acs_url=("ACS URLs > Default URL",),
        choose=(
            ("IdP Entity ID", "jumpcloud-cellcast"),
            ("SAMLSubject NameID", "email"),
            ("SAMLSubject NameID Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
            ("Signature Algorithm", "RSA-SHA256"),
            ("Sign", "Assertion"),
            ("Default RelayState", "–"),
        ),
        claims_at=("SSO", "Attributes", "User Attribute Mapping", "add attribute"),
        claims=(("email", "email"), ("firstName", "firstname"), ("lastName", "lastname")),
        groups=("SSO", "Group Attributes", "include group attribute", "groups"),
        assign=("User Groups",),
        metadata=("SSO", "Copy Metadata URL"),
        as_file=False,
        signing=("SSO", "SP Certificate"),
        encryption=(),
        attributes=_SHORT,
        group_hint="Support team",
        entity_first=True,
    ),
    Vendor.PING: Guide(
        name="PingOne",
        create=("Applications", "Applications", "+", "SAML Application", "Configure"),
        enter_at=("SAML Configuration", "Manually Enter"),
        entity_id=("Entity ID",),
        acs_url=("ACS URLs",),
        choose=(
            ("Cellcast (switch on top of the application)", "On"),
            ("Configuration > Signing Key", "Sign Assertion"),
            ("Signing Algorithm", "RSA_SHA256"),
            ("Subject NameID Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
            ("Attribute Mappings > saml_subject", "Email Address"),
        ),
        claims_at=("Attribute Mappings",),
        claims=(("email", "Email Address"), ("firstName", "Given Name"), ("lastName", "Family Name")),
        groups=("Attribute Mappings", "groups", "Group Names"),
        assign=("Access", "Groups"),
        metadata=("Overview", "IDP Metadata URL"),
        as_file=False,
        signing=("Configuration", "Enforce Signed AuthnRequest", "Verification Certificate"),
        encryption=("Configuration", "Enable Encryption", "Certificate"),
        attributes=_SHORT,
        group_hint="Support team",
    ),
    Vendor.ADFS: Guide(
        name="AD FS",
        create=("AD FS Management", "Relying Party Trusts", "Add Relying Party Trust…", "Claims aware"),
        enter_at=("Enter data about the relying party manually", "Enable support for the SAML 2.0 WebSSO protocol"),
        entity_id=("Relying party trust identifier",),
        acs_url=("Relying party SAML 2.0 SSO service URL",),
        choose=(
            ("Properties > Advanced > Secure hash algorithm", "SHA-256"),
            ("Edit Claim Issuance Policy… > Transform an Incoming Claim", "E-Mail Address → Name ID"),
            ("Outgoing name ID format", "Email"),
        ),
        claims_at=("Edit Claim Issuance Policy…", "Add Rule…", "Send LDAP Attributes as Claims", "Active Directory"),
        claims=(
            ("E-Mail Address", "E-Mail-Addresses"),
            ("Given Name", "Given-Name"),
            ("Surname", "Surname"),
        ),
        groups=("Send LDAP Attributes as Claims", "Token-Groups - Unqualified Names", "Group"),
        assign=("Edit Access Control Policy…",),
        metadata=("https://ADFS-HOST/FederationMetadata/2007-06/FederationMetadata.xml",),
        as_file=False,
        signing=("Properties", "Signature", "Add…"),
        encryption=("Properties", "Encryption", "Browse…"),
        attributes=Attributes(
            email=f"{_CLAIMS}emailaddress",
            first_name=f"{_CLAIMS}givenname",
            last_name=f"{_CLAIMS}surname",
            groups="http://schemas.xmlsoap.org/claims/Group",
        ),
        group_hint="Support-Team",
    ),
    Vendor.KEYCLOAK: Guide(
        name="Keycloak",
        create=("Clients", "Create client", "Client type", "SAML"),
        enter_at=("General settings", "Login settings"),
        entity_id=("Client ID",),
        acs_url=("Valid redirect URIs", "Master SAML Processing URL"),
        choose=(
            ("Settings > Name ID format", "email"),
            ("Settings > Force name ID format", "On"),
            ("Settings > Sign assertions", "On"),
            ("Settings > Signature algorithm", "RSA_SHA256"),
            ("Keys > Client signature required", "Off"),
        ),
        claims_at=("Client scopes", "…-dedicated", "Configure a new mapper", "User Property", "SAML Attribute Name"),
        claims=(("email", "email"), ("firstName", "firstName"), ("lastName", "lastName")),
        groups=(
            "Client scopes",
            "…-dedicated",
            "Add mapper",
            "By configuration",
            "Group list",
            "Group attribute name: groups",
            "Full group path: Off",
        ),
        assign=("Users",),
        metadata=("Realm settings", "Endpoints", "SAML 2.0 Identity Provider Metadata"),
        as_file=False,
        signing=("Keys", "Client signature required", "Import key", "Certificate PEM"),
        encryption=("Keys", "Encrypt assertions", "Import", "Certificate PEM"),
        attributes=_SHORT,
        name_id_format=NameIdFormat.EMAIL,
        group_hint="support-team",
        entity_first=True,
    ),
    Vendor.OTHER: Guide(
        name="SAML 2.0",
        create=(),
        enter_at=(),
        entity_id=("Entity ID", "Audience", "Issuer"),
        acs_url=("ACS URL", "Reply URL", "Recipient", "Destination"),
        choose=(
            ("RelayState", "–"),
            ("NameID format", "emailAddress"),
            ("Sign assertion", "✓"),
            ("Signature algorithm", "RSA-SHA256"),
        ),
        claims_at=(),
        claims=(("email", "mail"), ("firstName", "givenName"), ("lastName", "sn")),
        groups=("groups",),
        assign=(),
        metadata=(),
        as_file=False,
        signing=(),
        encryption=(),
        attributes=_SHORT,
        group_hint="Support team",
    ),
}

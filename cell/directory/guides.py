"""What is where in each product: the words of its own pages, which stay in English. The sentences round them are the
same for all, in the templates. Sources: each vendor's administration manual.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.identity import Vendor

Fields = tuple[tuple[str, str], ...]
URL, TOKEN = "{url}", "{token}"  # stand for the workspace's address and its token


@dataclass(frozen=True)
class Guide:
    """One product. Paths are what one clicks one after the other; fields are what its form asks and what goes there."""

    name: str
    open: tuple[str, ...]  # where provisioning is set up
    fields: Fields  # the form as it looks
    test: tuple[str, ...]  # the button that tries it
    enable: tuple[str, ...]  # what is switched on
    assign: tuple[str, ...]  # whom it sends
    groups: tuple[str, ...]  # how it sends groups
    every: int  # minutes between two rounds of it; 0: at once


GUIDES: Mapping[Vendor, Guide] = {
    Vendor.ENTRA: Guide(
        name="Microsoft Entra ID",
        open=("Enterprise applications", "Cellcast", "Provisioning", "New configuration"),
        fields=(("Tenant URL", URL), ("Secret token", TOKEN)),
        test=("Test Connection", "Create"),
        enable=("Provisioning", "Overview", "Start provisioning"),
        assign=("Users and groups", "Add user/group"),
        groups=("Provisioning", "Mappings", "Provision Microsoft Entra ID Groups", "Enabled: Yes"),
        every=40,
    ),
    Vendor.OKTA: Guide(
        name="Okta",
        open=(
            "Applications",
            "Cellcast",
            "General",
            "App Settings",
            "Provisioning: SCIM",
            "Provisioning",
            "Integration",
        ),
        fields=(
            ("SCIM connector base URL", URL),
            ("Unique identifier field for users", "userName"),
            ("Supported provisioning actions", "Push New Users, Push Profile Updates, Push Groups"),
            ("Authentication Mode", "HTTP Header"),
            ("Authorization: Bearer", TOKEN),
        ),
        test=("Test Connector Configuration", "Save"),
        enable=("Provisioning", "To App", "Create Users, Update User Attributes, Deactivate Users"),
        assign=("Assignments", "Assign"),
        groups=("Push Groups", "Find groups by name"),
        every=0,
    ),
    Vendor.ONELOGIN: Guide(
        name="OneLogin",
        open=("Applications", "Cellcast", "Configuration"),
        fields=(("SCIM Base URL", URL), ("SCIM Bearer Token", TOKEN), ("API Status", "Enable")),
        test=("Save", "API Connection: Enabled"),
        enable=("Provisioning", "Enable provisioning"),
        assign=("Access", "Roles"),
        groups=("Rules", "Set Groups in Cellcast"),
        every=0,
    ),
    Vendor.JUMPCLOUD: Guide(
        name="JumpCloud",
        open=("SSO Applications", "Cellcast", "Identity Management", "Configuration settings"),
        fields=(("API Type", "SCIM API"), ("SCIM Version", "SCIM 2.0"), ("Base URL", URL), ("Token Key", TOKEN)),
        test=("Test Connection", "Activate"),
        enable=("Identity Management", "Group Management: On"),
        assign=("User Groups", "Cellcast", "Save"),
        groups=("Identity Management", "Group Management: On"),
        every=0,
    ),
}

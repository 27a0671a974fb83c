"""Why something was refused, and what an admin does so that it succeeds next time."""

from kit.marking import N_

_SEARCH = N_("It searches by something that is not here. Match people by their user name or external ID there.")
_MAPPING = N_("It names an attribute that is not here. Take it out of the mapping there.")
_FEWER = N_(
    "It sends or asks for too much at once. Assign smaller groups there, or have it send members in several requests."
)
_SUPPORT = N_("It does not speak SCIM 2.0 here. Check the address and the kind of connection there.")
OFTEN = "status-429"  # too many requests: the log has a line a minute
# By the word in the log; words of provisioning itself (SCIM's error types among them) stand here too.
HINTS = {
    "taken": N_("Somebody has this already. Rename or remove one of the two there; it tries again."),
    "last-owner": N_("Make somebody else an owner under People. Then restart the sync there."),
    "owner": N_("Give this person another role under People, restart the sync there, then make them an owner again."),
    "domain": N_("Verify the domain under Domains, or correct the address there. Then restart the sync."),
    "value-refused": N_("Correct this attribute or its mapping there; it is sent again with the next change."),
    "no-target": N_("The value that was to be changed is not there. The next full sync sets it anew."),
    "not-changeable": N_("Take this attribute out of the mapping there."),
    "version-differs": N_("It was changed by somebody else just then. Your identity provider tries again by itself."),
    "not-found": N_("This person or group is not here any more. A full sync creates it anew."),
    "entangled": N_("Nothing is lost. Your identity provider tries again by itself."),
    "invalidFilter": _SEARCH,
    "invalidPath": _MAPPING,
    "invalidValue": N_("Correct this attribute or its mapping there; it is sent again with the next change."),
    "invalidSyntax": _SUPPORT,
    "mutability": N_("Take this attribute out of the mapping there."),
    "noTarget": N_("The value that was to be changed is not there. The next full sync sets it anew."),
    "tooMany": _FEWER,
    "status-405": _SUPPORT,
    "status-408": N_("Nothing is lost. Your identity provider tries again by itself."),
    "status-412": N_("It was changed by somebody else just then. Your identity provider tries again by itself."),
    "status-413": _FEWER,
    "status-415": _SUPPORT,
    OFTEN: N_("It asks faster than we answer one workspace. Nothing is lost: your identity provider tries again."),
}
OTHERWISE = N_("Check what is sent there. If it looks right, restart the sync.")


def hint(reason: str) -> str:
    """What to do, in English."""
    return HINTS.get(reason, OTHERWISE)

"""Why somebody whom the identity provider vouches for does not come in all the same: a stable code, and words."""

from enum import Enum

from kit.marking import N_


class Reason(Enum):
    """Every reason of the cell's. The code (`reason.code`) stays; the words, for the admin, may change."""

    SSO_OFF = N_("Single sign-on is not switched on, so an answer serves the test of an admin alone.")
    CONNECTION_CHANGED = N_("The connection was changed while this person was signing in. They can try again.")
    TOOK_TOO_LONG = N_(
        "The answer came more than ten minutes after the sign-in began, or a second time. They can try again."
    )
    SWITCHED_OFF = N_("This person is switched off in the list of people. Switch them on again if that is a mistake.")
    DOMAIN_UNVERIFIED = N_(
        "The domain of this person's address is not one that you have verified. Verify it under Domains, or have the "
        "identity provider send another address."
    )
    NOT_LINKED = N_(
        "Nobody here has this NameID as their e-mail address, and people are not created when they first sign in. "
        "Invite this person, or switch that on in the connection."
    )
    NOT_PROVISIONED = N_(
        "Your directory decides who is a member, and it has not sent this person. Assign them to the application there."
    )
    NO_ADDRESS = N_(
        "This person is new, and the answer names no e-mail address to create them with. Choose the right attribute in "
        "the connection."
    )
    ADDRESS_TAKEN = N_(
        "A member has the e-mail address that was sent, but the NameID is another one. People are linked by the NameID "
        "alone: have the identity provider send the e-mail address as NameID."
    )
    OUTSIDE_NETWORKS = N_(
        "This person came from a network that is not on your list. Add it under Security, if it is one of yours."
    )
    ANOTHER_PERSON = N_("Somebody else signed in at the identity provider than the one who was asked to.")

    CODE_UNKNOWN = N_(
        "A browser came back with a code that is not known: used before, too late, or made up. Nobody came in."
    )
    CODE_ELSEWHERE = N_(
        "A good code came from another browser than the one that began: it was passed on, or stolen. Nobody came in."
    )

    @property
    def code(self) -> str:
        """The stable name, such as `not-linked`."""
        return self.name.lower().replace("_", "-")

    @property
    def hint(self) -> str:
        """The words for the admin, in English."""
        return self.value


class Denied(Exception):
    """Somebody does not come in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason

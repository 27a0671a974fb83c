"""Why a call is not answered: each reason has a class of its own, so that logs and tests can tell them apart."""

from kit.refusals import Kind, Refusal


class CallUnsigned(Refusal):
    """The header of signed calls is missing or is not one."""

    kind = Kind.UNAUTHENTICATED
    title = "This call is not signed"
    detail = "Send the header Cellcast-Call as kit/calls/envelope.py describes it."


class SenderUnknown(Refusal):
    """No process of this name is registered."""

    kind = Kind.UNAUTHENTICATED
    title = "Nobody knows this sender"
    detail = "An operator registers a process with its public key before it can call."


class SignatureWrong(Refusal):
    """The signature is not the sender's over these claims."""

    kind = Kind.UNAUTHENTICATED
    title = "The signature is not the sender's"
    detail = "Sign with the key that is registered for this sender."


class AudienceWrong(Refusal):
    """The call is for another process."""

    kind = Kind.UNAUTHENTICATED
    title = "This call is for another process"
    detail = "The registered address of the receiver may be out of date."


class OperationDiffers(Refusal):
    """The call was signed for another operation than the address names."""

    kind = Kind.UNAUTHENTICATED
    title = "This call was signed for another operation"
    detail = "Sign the operation that is called."


class BodyChanged(Refusal):
    """The body is not the one that was signed."""

    kind = Kind.UNAUTHENTICATED
    title = "The body is not the one that was signed"
    detail = "Something between the two processes changes bodies."


class ClockOff(Refusal):
    """Signed too long ago, or in the future."""

    kind = Kind.UNAUTHENTICATED
    title = "This call was signed at another time"
    detail = "Calls live for 30 seconds: compare the clocks of both machines."


class NonceMissing(Refusal):
    """A call that writes carries a nonce."""

    kind = Kind.UNAUTHENTICATED
    title = "A call that writes carries a nonce"
    detail = "Draw one for each attempt."


class CallReplayed(Refusal):
    """This very call came before."""

    kind = Kind.UNAUTHENTICATED
    title = "This very call came before"
    detail = "Sign each attempt anew."


class OperationUnknown(Refusal):
    """There is no such operation here."""

    kind = Kind.NOT_FOUND
    title = "There is no such operation here"
    detail = "The two processes may be of different versions."


class CallTooLarge(Refusal):
    """The body is larger than any operation needs."""

    kind = Kind.TOO_LARGE
    title = "The body of this call is too large"
    detail = "Send it in parts."


class AnswerTooLarge(Refusal):
    """What would be answered is larger than any caller takes."""

    kind = Kind.TOO_LARGE
    title = "The answer would be too large"
    detail = "Ask for less at once."


class CallSlow(Refusal):
    """The body did not arrive in time."""

    kind = Kind.INVALID
    title = "The body of this call did not arrive in time"
    detail = "Send it again."


class SenderNotAllowed(Refusal):
    """The table of operations does not name this sender for this operation, or not for this subject."""

    kind = Kind.FORBIDDEN
    title = "This sender may not call this operation"
    detail = "contracts/operations.py says who may."


class NoncesUnavailable(Refusal):
    """Whether the call came before cannot be seen, so it is not answered."""

    kind = Kind.UNAVAILABLE
    title = "This call cannot be checked at the moment"
    detail = "Try again in a moment."
    retry_after_s = 2

"""What provisioning's reasons mean for an admin, to be shown in their language; `{idp}` is the product's name.

The words are those of control_plane/saml/reasons.py (a test compares): what is refused there is read here.
"""

from kit.marking import N_

HINTS = {
    "too-large": N_("The answer is larger than 256 KiB. Send fewer groups from {idp}."),
    "not-base64": N_("What arrived is not base64. Use the HTTP-POST binding in {idp}."),
    "not-xml": N_("What arrived is not XML in UTF-8. Use the HTTP-POST binding in {idp}, uncompressed."),
    "doctype": N_("The answer has a document type or entities, which no identity provider sends."),
    "comment": N_("The answer has a comment or a processing instruction, with which names are forged."),
    "too-deep": N_("The answer is nested too deeply, or has too many elements."),
    "not-a-response": N_("What arrived is another message than a SAML Response."),
    "version": N_("The answer is not of SAML version 2.0. Choose SAML 2.0 in {idp}."),
    "schema": N_("The answer does not follow the SAML schema."),
    "duplicate-id": N_("Two parts of the answer have the same ID, as in forged answers."),
    "assertions": N_(
        "The answer does not hold exactly one assertion in its place, as in forged answers. {idp} must send one."
    ),
    "status": N_("{idp} refused the sign-in itself: see its status in the details, and its own log."),
    "issuer": N_("The answer names another issuer than the entity ID of {idp} here. Upload its metadata anew."),
    "destination": N_(
        "The answer is addressed elsewhere. Set the reply URL (ACS URL) in {idp} to the one of this page."
    ),
    "unsolicited": N_(
        "The answer belongs to no request. Sign-ins from a tile in {idp} start anew by themselves; this one did not."
    ),
    "request-unknown": N_(
        "The answer came later than ten minutes, or a second time, or for a request that was never made here."
    ),
    "request-differs": N_("Parts of the answer belong to different requests."),
    "other-workspace": N_("The answer belongs to a request of another workspace."),
    "other-browser": N_("The answer came from another browser than the one that began the sign-in."),
    "issue-instant": N_("The answer was made too long ago or in the future. Check the clock of {idp}."),
    "unsigned": N_("The assertion is not signed. Switch on signing of assertions in {idp}."),
    "response-unsigned": N_("The response is not signed, and this connection wants it. Switch it on in {idp}."),
    "signature-form": N_("The signature is not of the form that SAML prescribes, as in forged answers."),
    "algorithm": N_("The signature uses an algorithm that is not safe. Choose RSA-SHA256 in {idp}."),
    "signature": N_("The signature does not hold: the answer was changed after it was signed."),
    "certificate": N_(
        "The answer is signed with another certificate than those known here. "
        "The certificate in {idp} was rotated: upload the new one."
    ),
    "certificate-expired": N_("Every certificate of {idp} known here has expired: upload the new one."),
    "unencrypted": N_("The assertion is not encrypted, and this connection wants it. Switch it on in {idp}."),
    "encryption-algorithm": N_("The encryption uses an algorithm that is not safe. Choose AES-256-GCM in {idp}."),
    "decryption": N_("The assertion cannot be decrypted. Upload our present encryption certificate to {idp}."),
    "subject": N_("The assertion names nobody (it has no Subject)."),
    "name-id": N_("The assertion has no usable NameID. Choose in {idp} what it is made of."),
    "name-id-format": N_("The NameID is of another format than the one chosen here."),
    "conditions": N_("The assertion has no conditions, or none that end."),
    "expired": N_("The assertion has expired. Check the clock of {idp}."),
    "not-yet": N_("The assertion is not valid yet. Check the clock of {idp}."),
    "audience": N_("The assertion is for another audience. Set the audience (entity ID) in {idp} to ours."),
    "confirmation": N_("The assertion does not hold exactly one confirmation of the kind bearer."),
    "recipient": N_("The assertion is for another recipient. Set the recipient (ACS URL) in {idp} to ours."),
    "authn-statement": N_("The assertion does not say once how and when the person signed in at {idp}."),
    "authn-instant": N_("{idp} did not ask for the sign-in anew, though this connection wants it."),
    "session-ended": N_("The person's session at {idp} has ended."),
    "replayed": N_("This assertion was used before."),
    "library": N_("The answer does not follow the SAML profile."),
    "no-connection": N_("This workspace has no connection that is switched on."),
    "too-slow": N_("Checking the answer took too long and was given up."),
    "cell-away": N_("The sign-in at {idp} was good, but the workspace itself did not answer."),
}

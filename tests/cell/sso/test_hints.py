"""The cell's words for what provisioning refuses are provisioning's own, and none is missing."""

from cell.sso.hints import HINTS
from cell.sso.reasons import Reason
from control_plane.saml.reasons import Reason as Provisioning


def test_each_reason_of_provisioning_has_its_words() -> None:
    assert {reason.code: reason.value.hint for reason in Provisioning} == HINTS


def test_no_reason_means_two_things() -> None:
    assert HINTS.keys().isdisjoint({reason.code for reason in Reason})

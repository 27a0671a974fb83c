"""Browsers and who uses them, for the tests of this folder."""

from tests.e2e.browsers import browsers, chromium, own_visits, visits
from tests.e2e.signed_in import sign_ins, signed_in

__all__ = ["browsers", "chromium", "own_visits", "sign_ins", "signed_in", "visits"]

"""API tokens: hashed, scoped, expiring, revocable; the subject Machine of the JSON API."""

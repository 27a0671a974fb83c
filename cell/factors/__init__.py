"""Second factors of people: an authenticator app, passkeys, recovery codes.

Outside use: `service.kinds_of` says what somebody has, `checking` takes a proof of theirs; passkeys alone let in too.
"""

"""Identity providers that are not ours, as processes: pysaml2's in Python, samlify's in Node.

Both speak the same few words beside SAML: POST /sp takes our metadata, GET /metadata gives theirs, /sso asks who one
is, and /login answers as whoever is named in the field `user`, with a form that goes to us by itself.
"""

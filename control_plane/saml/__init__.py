"""The SAML 2.0 service provider of a region: metadata, requests, and what it takes for an answer to be believed.

From outside: `sign_in.SignIn` begins and finishes a sign-in, `routes` puts it on the web, `idp_metadata` and
`fetching` read what an admin pastes, `domains` proves a domain. One door each: `xml` (lxml), `signatures` (xmlsec),
`library` (pysaml2).
"""

"""A workspace's security policy: second factors, the length of sessions, networks; mails about one's own account.

Outside use: `service.get`, `noticing.notify`.
"""

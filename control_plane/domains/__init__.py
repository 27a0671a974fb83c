"""Verified domains of workspaces, as keyed hashes whose key the registry does not have (contracts/domains.py).

Outside use: `service.set_domains`, `records.SOURCE`, `records.follow` (their end with the workspace).
"""

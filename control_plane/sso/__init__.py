"""Connections to identity providers, as the registry keeps them for its feeds. See contracts/identity.py.

Outside use: `service.set_connection`, `records.SOURCE`, `records.follow` (it moves and ends with its workspace).
"""

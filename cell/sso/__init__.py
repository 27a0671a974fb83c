"""Signing in through the workspace's identity provider: setting it up, taking over who signed in, and the log of it.

Outside use: `connections.of` (the connection that is in force), `journal` (the sign-in log).
"""

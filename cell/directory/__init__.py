"""People and groups as an identity provider keeps them: what of them is here, who changed it, what follows from it.

Outside use: `managing.directory_managed` (sign-ins create nobody), `queries.forget` (a member leaves).
"""

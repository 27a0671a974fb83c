"""An HTTP/1.1 server for ASGI applications: heads are read by httptools (llhttp, as in Node.js), the rest is here.

`exchange`: one request and its answer. `connection`: the requests of one client, in order. `server`: all clients, and
the bounds on what they may hold. Why not Hypercorn's own server: docs/decisions/0009-server.md.
"""

"""SCIM 2.0 (RFC 7643, 7644): what identity providers say, compiled to calls of the workspace's cell.

Outside use: `app.Scim`, an ASGI piece in front of provisioning's web application. Nothing is kept here.
"""

"""Domains that a workspace has proved to be its own. Outside use: `service.verified`, which sign-ins have to fit."""

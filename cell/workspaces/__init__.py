"""Workspaces that this cell owns. Outside use: `service.by_key`, `service.found`, `models.Workspace`."""

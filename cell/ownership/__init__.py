"""Which workspaces this cell may write for. Outside use: `service.state_of`, `service.set_to`, `gate.at`.

The row itself (`cell/workspaces/models.py`) is what the database compares every write with; the copy in Redis is for
what goes past the database: grants.
"""

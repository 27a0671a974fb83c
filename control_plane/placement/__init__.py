"""Where workspaces live: regions, cells, workspaces and their placements, and the choice of a cell.

Outside use: `service` (reserve, activate, ...), `cells` (add, cordon, heard, ...), `records` (what feeds carry).
"""

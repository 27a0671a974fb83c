"""The audit log of the global part: what operators did, hash-chained, verifiable offline (`contracts/audit.py`).

Outside use: `Act.log` (control_plane/act.py) writes it; `api.routes` shows it.
"""

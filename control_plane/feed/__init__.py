"""Feeds: what consumers are told, in order and without a gap, from the transaction that made the change.

Outside use: `log.Told` given to `Act.tell`; `snapshots.Source` for a noun whose records stand in snapshots.
"""

"""Heartbeats: the cell tells the registry that it is alive and how loaded it is, which placement goes by."""

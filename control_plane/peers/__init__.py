"""Peers: the processes that sign calls, as records of the registry, told to those who must know their keys.

Outside use: `service` (add, change, remove), `known.KnownPeers` (whom the registry itself believes), `records.SOURCE`.
"""

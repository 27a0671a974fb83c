"""The audit log of a workspace: a hash chain that can be verified offline and outlives the erasure of a person.

Outside use: `service.append` in the transaction of the act; `Keyring` in a process's resources.
"""

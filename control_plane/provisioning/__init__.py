"""The provisioning process of a region: sign-ups, and what finishes those that stopped half-way.

It holds no record of anybody: what a person typed goes from the form to the cell in one request. It calls the cells of
its own region and no other.
"""

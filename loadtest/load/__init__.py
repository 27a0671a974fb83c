"""A scenario run from beginning to end: the load, the faults, what it cost, what is true afterwards, the report."""

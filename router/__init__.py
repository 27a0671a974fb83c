"""The global front door: leads links and pages of a workspace to the cell it lives in. Keeps ids, and no log of visits.

`cellcast router serve` runs it. At most 1,000 lines of Python, so that it can be understood at three in the morning.
"""

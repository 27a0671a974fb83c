"""Telling cells what they own. Outside use: `teller.Teller`, run by the process.

A cell's ownership is written by a signed call and never by a feed. What has to be told is noted by the database itself
with every change of a placement, so no change can be forgotten; it is told until the cell has answered.
"""

"""Operators: who runs the command line, with named, hashed, expiring tokens.

Outside use: `subjects.Operator`, the subject of every operator's route.
"""

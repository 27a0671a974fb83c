"""Recordings: the upload protocol, their states, and the work that turns chunks into a video.

Outside use: `service`, `states.State`, `models.Recording`, `tasks.KINDS`.
"""

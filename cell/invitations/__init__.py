"""Invitations: how people join a workspace, by a mail with a word in it that works once."""

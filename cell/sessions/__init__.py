"""Signing in and staying signed in: sessions in Redis, one cookie a workspace, and the subjects Agent and Admin."""

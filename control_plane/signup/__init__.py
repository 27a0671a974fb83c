"""What the registry does for sign-ups: room is reserved, the workspace becomes active or is given up. Ids only."""

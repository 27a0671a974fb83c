"""The people of a workspace: who they are, their role, whether they are active, and their local password."""

"""The library: what agents look for, watch, rename and delete, and how open pages hear of changes."""

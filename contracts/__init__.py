"""Every word that crosses a process: links, tokens, placements and who may call what."""

"""Who asks Cellcast for something under load: locust's users, one kind a file, at the pace of people."""

"""A workspace's security policy: second factors, the length of sessions, networks. Outside use: `service.get`."""

"""The jobs of the audit log, by name."""

from datetime import timedelta

from kit.jobs import Kind

HEAD_EVERY = timedelta(minutes=10)  # what can be cut off a log unseen is what was added since its last signed head

PUBLISH_HEAD = Kind("audit.publish_head", attempts=50)  # over hours, while S3 may be away

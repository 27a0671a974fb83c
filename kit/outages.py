"""Failures that say of a server of ours that it is away, closed to us or full: the same may go well later."""

import errno

from redis import exceptions as redis

from kit.database_errors import DatabaseUnavailable
from kit.storage import StorageRefused, StorageUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REDIS_FULL = ("MISCONF", "OOM")  # its disk, its memory: it answers, and takes nothing


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL, Redis, S3 or a disk is the cause. Somebody is told by alerts on these themselves."""
    if isinstance(error, redis.ResponseError):
        return str(error).startswith(_REDIS_FULL)
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    away = redis.ConnectionError | redis.TimeoutError | StorageUnavailable | StorageRefused | DatabaseUnavailable
    return isinstance(error, away)

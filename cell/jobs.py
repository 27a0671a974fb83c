"""Every job that this cell's workers can do, gathered from the nouns."""

from cell.recordings.tasks import TASKS

__all__ = ["TASKS"]

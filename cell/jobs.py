"""Every job that this cell's workers can do, gathered from the nouns."""

from cell.recordings import tasks as recordings
from cell.resources import Cell
from cell.signup import tasks as signup
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()
for noun in (recordings, signup):
    TASKS.include(noun.TASKS)

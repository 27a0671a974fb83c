"""Every job that this cell's workers can do, gathered from the nouns."""

from cell.audit import tasks as audit
from cell.invitations import tasks as invitations
from cell.people import tasks as people
from cell.recordings import tasks as recordings
from cell.resources import Cell
from cell.sessions import tasks as sessions
from cell.signup import tasks as signup
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()
for noun in (audit, invitations, people, recordings, sessions, signup):
    TASKS.include(noun.TASKS)

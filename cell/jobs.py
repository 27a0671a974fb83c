"""Every job that this cell's workers can do, gathered from the nouns."""

from cell.audit import tasks as audit
from cell.directory import tasks as directory
from cell.domains import tasks as domains
from cell.invitations import tasks as invitations
from cell.people import tasks as people
from cell.recordings import tasks as recordings
from cell.resources import Cell
from cell.security import tasks as security
from cell.sessions import tasks as sessions
from cell.signup import tasks as signup
from cell.sso import tasks as sso
from kit.jobs import Tasks

TASKS: Tasks[Cell] = Tasks()
for noun in (audit, directory, domains, invitations, people, recordings, security, sessions, signup, sso):
    TASKS.include(noun.TASKS)

"""All tables of a cell, for migrations and guards."""

from cell.audit import models as audit
from cell.directory import models as directory
from cell.domains import models as domains
from cell.factors import models as factors
from cell.invitations import models as invitations
from cell.links import models as links
from cell.people import models as people
from cell.recordings import models as recordings
from cell.security import models as security
from cell.sso import models as sso
from cell.tokens import models as tokens
from cell.workspaces import models as workspaces
from kit.database import Base
from kit.jobs import models as jobs

NOUNS = (
    audit,
    directory,
    domains,
    factors,
    invitations,
    jobs,
    links,
    people,
    recordings,
    security,
    sso,
    tokens,
    workspaces,
)
METADATA = Base.metadata

# Tables that belong to no workspace's scope, each with its reason; every other table is protected.
OUTSIDE_TENANCY = {
    "workspace_keys": "leads from the key in an address to the scope, so it is read before there is one",
    "ownership": "open_write() compares with it before it opens a scope",
    "jobs": "one sweep sees the due jobs of all workspaces; a row says when and how often, never what about",
    "alembic_version": "the revision of the schema",
}

"""All tables of the global part, for migrations and guards, and the list of what may stand in them."""

from control_plane import nonces
from control_plane.audit import models as audit
from control_plane.base import Base
from control_plane.domains import models as domains
from control_plane.feed import models as feed
from control_plane.operators import models as operators
from control_plane.ownership import models as ownership
from control_plane.peers import models as peers
from control_plane.placement import models as placement
from control_plane.sso import models as sso

NOUNS = (audit, domains, feed, nonces, operators, ownership, peers, placement, sso)
METADATA = Base.metadata

# Every column that holds words or JSON, and why nothing personal comes into it. A guard compares this with the schema;
# columns of numbers, moments, ids and digests need no reason.
WORDS = {
    "alembic_version.version_num": "the revision of the schema",
    "audit_entries.actor": "an operator account's name: a word like on-call, of a form that no address has",
    "audit_entries.action": "a word of ours, like cell.add",
    "audit_entries.stored": "the entry: ids, words of ours, and an operator's reason, which has no @",
    "call_nonces.nonce": "a random word that a process of ours drew",
    "call_nonces.sender": "the name of a process, like eu-1",
    "cells.name": "like eu-1",
    "cells.region": "like eu",
    "cells.state": "a word of the state machine",
    "cells.url": "the address of a cell, which is ours",
    "feed_events.audience": "like routing",
    "feed_events.body": "a record: keys, ids, cells, states, public keys; hashes of domains; a connection, as below",
    "feed_events.mark": "a hash",
    "feed_heads.audience": "like routing",
    "feed_heads.floor_mark": "a hash",
    "feed_heads.mark": "a hash",
    "feed_readers.audiences": "like routing",
    "feed_readers.name": "the name of a process, like router-eu",
    "feed_snapshots.audience": "like routing",
    "feed_snapshots.key_ids": "hashes of our public keys",
    "feed_snapshots.mark": "a hash",
    "feed_snapshots.region": "like eu",
    "operator_tokens.issued_by": "an operator account's name",
    "operator_tokens.name": "an operator account's name: a word like on-call, of a form that no address has",
    "peers.kind": "cell or provisioning",
    "peers.name": "the name of a process, like eu-1",
    "peers.public_keys": "public keys of processes of ours",
    "peers.region": "like eu",
    "peers.url": "the address of a process, which is ours",
    "placement_decisions.cell": "like eu-1",
    "placement_decisions.verdicts": "cells, scores and sentences of ours",
    "placements.cell": "like eu-1",
    "placements.state": "a word of the state machine",
    "regions.name": "like eu",
    "sso_connections.record": "an identity provider's addresses and certificates, names of attributes and of groups, "
    "which customers choose; neither has an @ (contracts/identity.py)",
    "transitions.by": "an operator account's name, or a process of ours",
    "transitions.change": "a word of the state machine",
    "transitions.from_cell": "like eu-1",
    "transitions.from_state": "a word of the state machine",
    "transitions.to_cell": "like eu-1",
    "transitions.to_state": "a word of the state machine",
    "transitions.why": "an operator's reason, such as a ticket's number; it has no @",
    "workspace_keys.key": "drawn at random",
    "workspaces.key": "drawn at random",
    "workspaces.region": "like eu",
    "workspaces.request_key": "a random word of the form that started the sign-up",
    "workspaces.size": "small, medium, large or dedicated",
}

"""What other processes of ours may ask of the registry."""

from contracts.operations import May
from contracts.peers import REGISTRY, PeerKind, Peers
from control_plane.domains import calls as domains
from control_plane.nonces import CALL_NONCES
from control_plane.resources import ControlPlane
from control_plane.signup import calls as signup
from control_plane.signup.service import Registry
from control_plane.sso import calls as sso
from kit.calls import Answers, PostgresNonces


def make_answers(plane: ControlPlane, peers: Peers) -> Answers:
    """The operations of the registry. Its key signs feeds and answers alike; a type tag keeps them apart."""
    may = May(peers, kind=PeerKind.CONTROL_PLANE, region="", homes=Registry(plane.database))
    nonces = PostgresNonces(plane.database, CALL_NONCES)
    answers = Answers(REGISTRY, plane.signing_keys[0], peers, nonces, may)
    for noun in (signup, sso, domains):
        noun.answer(answers, plane.database)
    return answers

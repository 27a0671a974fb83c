"""What other processes of ours may ask of the registry, in front of its pages."""

from hypercorn.typing import ASGIFramework

from contracts.operations import May
from contracts.peers import PeerKind, Peers, PeersFile
from control_plane.nonces import CALL_NONCES
from control_plane.resources import ControlPlane
from control_plane.signup import calls as signup
from control_plane.signup.service import Registry
from kit.calls import Answers, PostgresNonces
from kit.signing import PublicKeys

NAME = "control-plane"


def in_front_of(app: ASGIFramework, plane: ControlPlane) -> ASGIFramework:
    """The application with the calls in front of it; without a file of peers none is answered. Raises PeersRefused."""
    path = plane.settings.peers_path
    if path is None:
        return app
    peers = PeersFile(path, PublicKeys(key.public for key in plane.signing_keys))
    return make_answers(plane, peers).in_front_of(app)


def make_answers(plane: ControlPlane, peers: Peers) -> Answers:
    """The operations of the registry. Its key signs feeds and answers alike; a type tag keeps them apart."""
    may = May(peers, kind=PeerKind.CONTROL_PLANE, region="", homes=Registry(plane.database))
    nonces = PostgresNonces(plane.database, CALL_NONCES)
    answers = Answers(NAME, plane.signing_keys[0], peers, nonces, may)
    signup.answer(answers, plane.database)
    return answers

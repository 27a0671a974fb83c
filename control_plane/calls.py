"""What other processes of ours may ask of the registry, and who they are."""

from contracts.operations import May
from contracts.peers import PeerKind, Peers, PeersFile
from control_plane.nonces import CALL_NONCES
from control_plane.resources import ControlPlane
from control_plane.signup import calls as signup
from control_plane.signup.service import Registry
from kit.calls import Answers, PostgresNonces
from kit.signing import PublicKeys

NAME = "control-plane"


def peers_of(plane: ControlPlane) -> Peers | None:
    """The processes that may call and be called, if the settings name a file of them. Raises PeersRefused."""
    path = plane.settings.peers_path
    return None if path is None else PeersFile(path, PublicKeys(key.public for key in plane.signing_keys))


def make_answers(plane: ControlPlane, peers: Peers) -> Answers:
    """The operations of the registry. Its key signs feeds and answers alike; a type tag keeps them apart."""
    may = May(peers, kind=PeerKind.CONTROL_PLANE, region="", homes=Registry(plane.database))
    nonces = PostgresNonces(plane.database, CALL_NONCES)
    answers = Answers(NAME, plane.signing_keys[0], peers, nonces, may)
    signup.answer(answers, plane.database)
    return answers

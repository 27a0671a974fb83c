"""What other processes of ours may ask of this cell, in front of its pages."""

from hypercorn.typing import ASGIFramework

from cell.ownership import calls as ownership
from cell.resources import Cell
from cell.settings import CellSettings
from cell.signup import calls as signup
from contracts.operations import May
from contracts.peers import PeerKind, Peers, PeersFile
from kit.calls import Answers, RedisNonces
from kit.signing import PublicKeys, SigningKey


def in_front_of(app: ASGIFramework, cell: Cell) -> ASGIFramework:
    """The application with the calls in front of it; without a key and peers the cell answers none.

    Raises PeersRefused, and ValueError for a key that is none.
    """
    settings = cell.settings
    if settings.signing_key is None or settings.peers_path is None:
        return app
    peers = PeersFile(settings.peers_path, PublicKeys.from_text(settings.registry_public_keys))
    key = SigningKey.from_text(settings.signing_key.get_secret_value())
    return make_answers(cell, key, peers).in_front_of(app)


def make_answers(cell: Cell, key: SigningKey, peers: Peers) -> Answers:
    """The operations of a cell, gathered from the nouns."""
    settings: CellSettings = cell.settings
    may = May(peers, kind=PeerKind.CELL, region=settings.region)
    answers = Answers(settings.name, key, peers, RedisNonces(cell.redis), may)
    for noun in (ownership, signup):
        noun.answer(answers, cell)
    return answers

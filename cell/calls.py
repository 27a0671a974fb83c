"""What other processes of ours may ask of this cell, in front of its pages."""

from hypercorn.typing import ASGIFramework

from cell.directory import calls as directory
from cell.ownership import calls as ownership
from cell.resources import Cell
from cell.settings import CellSettings
from cell.signup import calls as signup
from cell.sso import calls as sso
from contracts.operations import May
from contracts.peers import PeerKind, Peers
from kit.calls import Answers, RedisNonces
from kit.signing import SigningKey


def in_front_of(app: ASGIFramework, cell: Cell) -> ASGIFramework:
    """The application with the calls in front of it; a cell that follows no feed answers none."""
    key = cell.settings.signing_key
    return app if cell.feed is None or key is None else make_answers(cell, key, cell.feed.peers).in_front_of(app)


def make_answers(cell: Cell, key: SigningKey, peers: Peers) -> Answers:
    """The operations of a cell, gathered from the nouns."""
    settings: CellSettings = cell.settings
    may = May(peers, kind=PeerKind.CELL, region=settings.region)
    answers = Answers(settings.name, key, peers, RedisNonces(cell.redis), may)
    for noun in (directory, ownership, signup, sso):
        noun.answer(answers, cell)
    return answers

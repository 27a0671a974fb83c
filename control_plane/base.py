"""The base of the registry's tables: apart from a cell's, since no workspace's scope divides them."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from kit.database import Base as CellBase


class Base(DeclarativeBase):
    """Base of every model of the global part; constraints are named as everywhere."""

    metadata = MetaData(naming_convention=CellBase.metadata.naming_convention)
    type_annotation_map = CellBase.type_annotation_map

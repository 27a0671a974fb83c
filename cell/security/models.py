"""Table of security policies; a workspace without a row has the defaults."""

from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Base, Scoped


class SecurityPolicy(Scoped, Base):
    """What a workspace asks of its people."""

    __tablename__ = "security_policies"

    second_factor: Mapped[str]  # optional | required | roles
    factor_roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    idle_minutes: Mapped[int]
    absolute_hours: Mapped[int]
    networks: Mapped[list[str]] = mapped_column(ARRAY(TEXT))  # from which people and programs may come; empty: any

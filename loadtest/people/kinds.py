"""The kinds of people by the names that scenarios give them."""

from loadtest.people.admin import Admin
from loadtest.people.agent import Agent
from loadtest.people.customer import Crowd, Customer
from loadtest.people.idp import DirectorySync
from loadtest.people.integrator import Integrator
from loadtest.people.sso import Commuter
from loadtest.people.visitor import Visitor
from loadtest.scenario import Kind

KINDS: dict[Kind, type[Visitor]] = {
    "customer": Customer,
    "crowd": Crowd,
    "agent": Agent,
    "integrator": Integrator,
    "admin": Admin,
    "idp": DirectorySync,
    "sso": Commuter,
}

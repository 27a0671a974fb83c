"""The whole of a stack as one table: each part with its processes and steps, and the description of it all."""

from collections.abc import Sequence

from stack import description
from stack.cell import CellSite
from stack.front import router_part
from stack.site import Part, Site, nursery_part
from stack.state import Workspace
from stack.unit import Report


class Topology:
    """What runs. A new part is one more line in `part`, and what others need of it one more in `describe`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cells = [CellSite(site, name) for name in site.state.cells]
        parts = [*(cell.part() for cell in self.cells), router_part(site, self.cells), nursery_part(site)]
        self.part = Part(
            services=[service for part in parts for service in part.services],
            steps=[step for part in parts for step in part.steps],
        )

    def describe(self, reports: Sequence[Report]) -> description.Description:
        """What others attach by, with the processes as they are now."""
        here = {cell.name for cell in self.cells}
        return description.Description(
            router=description.Router(url=self.site.router_url),
            cells={cell.name: cell.described for cell in self.cells},
            workspaces=[self._workspace(one) for one in self.site.state.workspaces if one.cell in here],
            processes=[description.Process(name=one.name, pid=one.pid, log=one.log) for one in reports],
        )

    def _workspace(self, one: Workspace) -> description.Workspace:
        return description.Workspace(
            key=one.key,
            id=one.id,
            region=one.region,
            cell=one.cell,
            admin=description.Login(email=one.admin, password=one.admin_password),
            agent=description.Login(email=one.agent, password=one.agent_password),
            api_token=one.api_token or None,
            link=self.site.router_url + one.link if one.link else None,
        )

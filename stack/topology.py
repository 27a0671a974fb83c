"""The whole of a stack as one table: each part with its processes and steps, and the description of it all."""

from collections.abc import Iterator, Sequence

from stack import description
from stack.cell import CellSite, bucket_server, region_of
from stack.errors import StackError
from stack.front import router_part, scrapes
from stack.mail import folder_of, mail_part
from stack.published import Published
from stack.region import Region
from stack.registry import Registry
from stack.site import Part, Site, nursery_part, together
from stack.state import Workspace
from stack.tenants import workspace_part
from stack.unit import Report


class Topology:
    """What runs. A new part is one more line in `part`, and what others need of it one more in `describe`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._registry = Registry(site)
        self._published: dict[str, Published] = {}
        self._cells = {name: self._cell(name) for name in site.state.cells}
        self._regions = {
            name: Region(site, self._registry, name, published) for name, published in self._published.items()
        }
        urls = {name: region.url for name, region in self._regions.items()}
        self.part = together(
            *(cell.part() for cell in self._cells.values()),
            *(region.part() for region in self._regions.values()),
            self._registry.part(urls, {name: published.writer for name, published in self._published.items()}),
            router_part(site, self._registry, next(iter(self._published.values())), urls, self._registered()),
            *(workspace_part(site, self._registry, region, self._cells) for region in self._regions.values()),
            mail_part(site),
            nursery_part(site),
        )

    def _cell(self, name: str) -> CellSite:
        """A cell; the first of a region keeps what is published there."""
        region = region_of(name)
        if region not in self._published:
            self._published[region] = Published(self.site, region, bucket_server(self.site, name), f"{name}-s3")
        return CellSite(self.site, self._registry, name, self._published[region])

    def _registered(self) -> tuple[str, ...]:
        return tuple(cell.registered for cell in self._cells.values())

    def join(self, name: str) -> Part:
        """A cell more. Raises StackError for one that is there, or whose region has no provisioning here."""
        if name in self._cells:
            raise StackError(f"{name} is part of this stack already: see `cellcast stack status`")
        if region_of(name) not in self._regions:
            raise StackError(f"no cell of region {region_of(name)} is here: name it with `cellcast stack up --cells`")
        self._cells[name] = self._cell(name)
        self.site.state.cells.append(name)
        self.site.state.save()
        return self._cells[name].part()

    def leave(self, name: str) -> None:
        """Forget a cell that did not get up."""
        del self._cells[name]
        self.site.state.cells.remove(name)
        self.site.state.save()

    def describe(self, reports: Sequence[Report]) -> description.Description:
        """What others attach by, with the processes as they are now."""
        edges = self.site.edges
        return description.Description(
            edge=description.Edge(ca=edges.authority.certificate, pin=edges.authority.pin) if edges else None,
            router=description.Router(url=self.site.router_url),
            control_plane=self._registry.described,
            provisioning={name: region.described for name, region in self._regions.items()},
            mail=description.Mail(smtp_url=self.site.smtp_url, folder=folder_of(self.site.folder.data)),
            cells={name: cell.described for name, cell in self._cells.items()},
            workspaces=[self._workspace(one) for one in self.site.state.workspaces if one.cell in self._cells],
            scrapes=[*self._scrapes()],
            processes=[description.Process(name=one.name, pid=one.pid, log=one.log) for one in reports],
        )

    def _scrapes(self) -> Iterator[description.Scrape]:
        yield from scrapes(self.site)
        yield self._registry.scrape
        for region in self._regions.values():
            yield from region.scrapes
        for cell in self._cells.values():
            yield from cell.scrapes

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

"""What of the deployment an operator's tools need to know, so that nobody has to type it."""

from pydantic import BaseModel

from control_plane import resources
from control_plane.operators.subjects import Operator
from kit.web import Routes

routes = Routes("deployment-api")


class Deployment(BaseModel):
    """The global part's and the front door's addresses, whose word counts, and each region's provisioning."""

    url: str
    go_url: str
    public_keys: list[str]
    regions: dict[str, str]


@routes.get("/api/operators/v1/deployment", document=True)
async def show(by: Operator) -> Deployment:
    """What every part of the deployment is told when it is set up."""
    plane = resources.current()
    return Deployment(
        url=plane.settings.url,
        go_url=plane.settings.go_url,
        public_keys=[key.public_text() for key in plane.signing_keys],
        regions=plane.settings.sign_up_urls,
    )

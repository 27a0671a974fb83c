"""A program of the company: reads the library through the API and makes links for its helpdesk."""

from locust import between, task

from loadtest.people.visitor import Visitor


class Integrator(Visitor):
    """Asks every few seconds, as integrations do that know no webhooks."""

    wait_time = between(1, 3)

    @task(4)
    def recent(self) -> None:
        """What is new."""
        found = self.api("api: recordings", "GET", "/recordings?limit=50").json()["recordings"]
        if found:
            self.api("api: recording", "GET", f"/recordings/{found[0]['id']}", expect=(200, 404))

    @task(1)
    def link(self) -> None:
        """A link for a ticket."""
        self.api("api: link", "POST", "/links", expect=(201,), json={"title": "Show us", "ticket": "T-2"})

    @task(1)
    def links(self) -> None:
        """How its links stand."""
        self.api("api: links", "GET", "/links?limit=50")

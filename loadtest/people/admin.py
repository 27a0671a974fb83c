"""An admin: looks after people, security and the audit log."""

from locust import between, task

from loadtest.people.agent import Member


class Admin(Member):
    """Goes through the settings."""

    role = "admin"
    wait_time = between(2, 8)

    @task(3)
    def people(self) -> None:
        """Who is here."""
        self.page("admin: people", "GET", "people", expect=(200,))

    @task(2)
    def audit(self) -> None:
        """Who did what."""
        self.page("admin: audit", "GET", "audit", expect=(200,))

    @task(1)
    def settings(self) -> None:
        """Security and single sign-on."""
        self.page("admin: security", "GET", "security", expect=(200,))
        self.page("admin: sign-on", "GET", "sso/provider", expect=(200, 303, 404))

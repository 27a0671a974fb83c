"""What every test may ask for: private servers, and one whole deployment for all."""

from hypothesis import settings

from kit import direct

# How long an example takes is the machine's affair: time is measured in benches.
settings.register_profile("cellcast", deadline=None)
settings.load_profile("cellcast")

# 64 at once are more than a slow and busy machine serves within the five seconds that anybody waits for a connection.
direct.WAITED_S = 60.0

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.redis",
    "tests.servers.s3",
    "tests.cell.lines",
    "tests.cell.world",
    "tests.cell.mailing",
    "tests.cell.identity",
    "tests.cell.directory.idp",
    "tests.deployment",
    "tests.spans",
]

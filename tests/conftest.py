"""What every test may ask for: private servers, and one whole deployment for all."""

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

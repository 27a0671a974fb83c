"""Values that would break a promise are refused, in words that say what to do."""

import pytest

from tests.charts.rendering import Refused, changed, rendered

BAD: list[tuple[str, dict[str, object], str]] = [
    ("an unknown key", {"regoin": "eu"}, "additional properties 'regoin' not allowed"),
    ("an unknown key below", {"web.replcas": 3}, "additional properties 'replcas' not allowed"),
    ("a word for a number", {"web.replicas": "three"}, "/web/replicas"),
    ("no region", {"region": ""}, "say where everything of this cell stays, eu or us"),
    ("a region that is none", {"region": "mars"}, "say where everything of this cell stays, eu or us"),
    ("another region's name", {"region": "us"}, "eu-1 is not a name for a cell of region us"),
    ("no name", {"name": ""}, "call the cell after its region, like eu-1"),
    ("plain HTTP", {"url": "http://eu-1.cellcast.example"}, "plain HTTP is not served"),
    ("a slash at the end", {"url": "https://eu-1.cellcast.example/"}, "without a slash at the end"),
    ("a front door in plain HTTP", {"goUrl": "http://go.example"}, "goUrl: give the front door's address as https"),
    ("a registry in plain HTTP", {"registry.url": "http://x"}, "registry.url: give the control plane's address"),
    ("nobody's word", {"registry.publicKeys": []}, "without them anybody could say where workspaces live"),
    ("storage in plain HTTP", {"bucket.endpoint": "http://s3"}, "browsers refuse to send recordings over plain HTTP"),
    ("no bucket", {"bucket.name": ""}, "bucket.name: name the cell's bucket"),
    ("no region of storage", {"bucket.region": ""}, "bucket.region: name the region that signatures name"),
    ("a public bucket", {"bucket.access": "public-read"}, "recordings are never public"),
    ("a key that makes it public", {"bucket.public": True}, "additional properties 'public' not allowed"),
    ("backups for too long", {"backup.windowDays": 5}, "the promise is five days, 120 hours"),
    ("a purge too late", {"deletion.purgeWithinHours": 25}, "would stay for 121 hours"),
    ("an interval of backups that is none", {"backup.everyHours": 48}, "/backup/everyHours"),
    ("backups among recordings", {"backup.bucket": "cellcast-eu-1"}, "keep backups apart from recordings"),
    ("no bucket for backups", {"backup.bucket": ""}, "name the bucket for backups"),
    (
        "a moment of nothing",
        {"backup.restore.to": "2026-11-29T10:00:00Z"},
        "say what the backups to restore are called",
    ),
    ("a moment that is none", {"backup.restore.to": "yesterday"}, "/backup/restore/to"),
    (
        "a log that writes over itself",
        {"backup.restore.from": "eu-1-postgres"},
        "give the restored PostgreSQL a new name",
    ),
    (
        "a restore without backups",
        {"backup.restore.from": "eu-1-postgres", "backup.enabled": False},
        "read with the backups' own bucket and keys",
    ),
    ("nobody certifies the host", {"edge.tls.issuer": ""}, "name the ClusterIssuer that certifies the cell's host"),
    ("two who certify", {"edge.tls.secretName": "x"}, "name an issuer or a Secret, not both"),
    ("a PostgreSQL of nobody", {"postgres.from": "external"}, "name the PostgreSQL to use"),
    ("a PostgreSQL unverified", {"postgres.from": "external"}, "connections are always verified"),
    (
        "more connections than there are",
        {"postgres.connections": 200},
        "200 are too few for the poolers, which open 260",
    ),
    ("a Redis of nobody", {"redis.from": "external"}, "name the Redis to use"),
    ("no store of secrets", {"secrets.external.store": ""}, "name the store and the path in it"),
    (
        "secrets left out",
        {"secrets.from": "values"},
        "secrets.values: give s3-access-key, s3-secret-key, worker-s3-access-key",
    ),
    ("a weak master key", {"secrets.values.master-key": "hunter2"}, "/secrets/values/master-key"),
    ("a password that breaks an address", {"secrets.values.redis-password": "a@b"}, "/secrets/values/redis-password"),
    ("a digest that is none", {"image.digest": "latest"}, "/image/digest"),
    ("an end that is nowhere", {"network.outside.cluster.cidrs": []}, "cluster: say where it is"),
    ("a setting's name that is none", {"settings.stalledAfter": 5}, "stalledAfter"),
]


@pytest.mark.parametrize(("changes", "words"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_it_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    with pytest.raises(Refused) as said:
        changed("cell", "eu", changes)
    assert words in str(said.value)


OTHERS: list[tuple[str, dict[str, object], str]] = [
    ("router", {"goUrl": "http://go.example"}, "goUrl: give the front door's address as https"),
    ("router", {"registry.publicKeys": []}, "without them anybody could say where workspaces live"),
    ("router", {"region": "fr"}, "region: say where these routers run"),
    ("router", {"regions": None}, "regions: give each region's provisioning"),
    ("router", {"edge.tls.issuer": ""}, "edge.tls: name the ClusterIssuer"),
    ("router", {"secrets.from": "values"}, "secrets.values: give feed-token, domain-key, published-bucket"),
    ("router", {"replica": 2}, "additional properties 'replica' not allowed"),
    ("control-plane", {"url": "http://control.example"}, "plain HTTP is not served"),
    ("control-plane", {"signUpUrls": None}, "signUpUrls: give each region's provisioning"),
    ("control-plane", {"backup.windowDays": 4}, "the promise is five days, 120 hours"),
    ("control-plane", {"backup.endpoint": "http://s3"}, "backup.endpoint: give it as https"),
    ("control-plane", {"postgres.from": "external"}, "connections are always verified"),
    ("provisioning", {"region": ""}, "region: say whose cells it calls, eu or us"),
    ("provisioning", {"settings.METADATA_ALLOW_LOCAL": True}, "is for development alone"),
    ("provisioning", {"redis.from": "external"}, "connections are always verified"),
    ("loadtest", {"target": "http://go.localhost"}, "target: give the front door's address as https"),
    ("loadtest", {"secrets.name": ""}, "secrets.name: name the Secret"),
]


@pytest.mark.parametrize(
    ("chart", "changes", "words"), OTHERS, ids=[f"{one[0]} {next(iter(one[1]))}" for one in OTHERS]
)
def test_other_charts_refuse_in_words_too(chart: str, changes: dict[str, object], words: str) -> None:
    with pytest.raises(Refused) as said:
        changed(chart, "eu", changes)
    assert words in str(said.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(Refused) as said:
        changed("cell", "eu", {"region": "", "url": "", "bucket.access": "public", "backup.windowDays": 30})
    assert len([line for line in str(said.value).splitlines() if line.startswith("- ")]) == 4


def test_an_end_that_is_not_used_need_not_be_anywhere() -> None:
    made = changed("cell", "eu", {"network.outside.mail": None})
    assert len(made) == len(rendered("cell", "eu"))

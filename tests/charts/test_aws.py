"""docs/aws: each role's policy is what the code of that role needs on a real S3 server, no more; the commands exist."""

import ast
import base64
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

import kit.storage.bucket as door
from kit.storage import Bucket, NotFound, S3Config, Signer, StorageError, StorageRefused
from stack import s3 as server_program
from stack.s3 import Keys
from tests.guards.modules import ROOT
from tests.servers.s3 import REGION, S3Server

AWS = ROOT / "docs" / "aws"
PAGE = (ROOT / "docs" / "operate.md").read_text()
# Which process's code asks S3 for what: file -> role -> what of the door it uses.
USES: dict[str, dict[str, set[str]]] = {
    "cell/resources.py": {"cell-web": {"check"}, "cell-worker": {"check"}},
    "cell/library/service.py": {"cell-web": {"presign_get"}},
    "cell/recordings/grants.py": {"cell-web": {"presign_put", "list"}, "cell-worker": {"list"}},
    "cell/recordings/assembly.py": {"cell-worker": {"get_many", "get_to", "put_file", "delete_all"}},
    "cell/audit/heads.py": {"cell-web": {"get"}, "cell-worker": {"get", "put"}},
    "control_plane/feed/publisher.py": {"publisher": {"put"}},
    "contracts/feed_published.py": {"published-reader": {"presign_get"}},
}
ROLES = sorted({role for roles in USES.values() for role in roles})
DOOR = {name for one in (Bucket, Signer) for name in vars(one) if not name.startswith("_")} - {"close", "config"}


def policy(role: str, bucket: str = "BUCKET") -> list[dict[str, Any]]:
    """A role's statements about S3, with the bucket's name put in."""
    text = (AWS / f"{role}.json").read_text().replace("PUBLISHED", "BUCKET").replace("BUCKET", bucket)
    return [one for one in json.loads(text)["Statement"] if not one["Action"][0].startswith("kms:")]


def calls_of(path: Path) -> set[str]:
    """What a file calls of the door: methods of that name on something that is called a bucket or a signer."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in DOOR:
            on = ast.unparse(node.value).lower()
            if "bucket" in on or "signer" in on:
                found.add(node.attr)
    return found


def test_every_call_to_s3_is_some_roles() -> None:
    parts = [path for part in ("cell", "control_plane", "router", "contracts") for path in (ROOT / part).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): calls for path in parts if (calls := calls_of(path))}
    named = {file: set().union(*roles.values()) for file, roles in USES.items()}
    assert found == named, (
        "what asks S3 changed: say in USES which process does it, give what is new a try in TRIES, and its action a "
        "line in docs/aws/ROLE.json; in the clusters that run, the role's policy is changed before the version goes out"
    )


# -- what each does with the door, on a real server ----------------------------------------------------------------


class Place:
    """A bucket with one object and an upload that nobody finished, seen by root and by the role's account."""

    def __init__(self, server: S3Server, role: str, folder: Path) -> None:
        self.role, self.server, self.folder = role, server, folder
        self.root = server.client
        self.config = server.new_bucket()
        self.keys = Keys(secrets.token_hex(8), secrets.token_hex(16))
        server_program._make_account(server.server, self.keys)
        mine = S3Config(server.endpoint, self.config.bucket, REGION, self.keys.access, self.keys.secret)
        self.bucket = Bucket(mine)

    def allow(self, statements: list[dict[str, Any]]) -> None:
        """Make these the account's rights, and no others."""
        whole = [{**one, "Principal": {"AWS": [self.keys.access]}} for one in statements if one["Action"]]
        if whole:
            text = json.dumps({"Version": "2012-10-17", "Statement": whole})
            self.root.put_bucket_policy(Bucket=self.config.bucket, Policy=text)
        else:
            self.root.delete_bucket_policy(Bucket=self.config.bucket)

    def filled(self) -> str:
        """A new prefix with an object written twice, and an upload that nobody finished."""
        prefix = f"{uuid4()}/{uuid4()}/"
        for body in (b"first", b"second"):
            self.root.put_object(Bucket=self.config.bucket, Key=f"{prefix}one", Body=body)
        self.root.create_multipart_upload(Bucket=self.config.bucket, Key=f"{prefix}half")
        return prefix

    async def over_http(self, method: str, url: str, **more: Any) -> None:
        async with aiohttp.request(method, url, **more) as answer:
            if answer.status >= 300:
                raise StorageRefused(str(answer.status))


async def _check(at: Place) -> None:
    await at.bucket.check()


async def _list(at: Place) -> None:
    assert len(await at.bucket.list(at.filled())) == 1


async def _get(at: Place) -> None:
    prefix = at.filled()
    assert await at.bucket.get(f"{prefix}one") == b"second"
    with pytest.raises(NotFound):  # and not "refused": who may list is told that nothing is there
        await at.bucket.get(f"{prefix}none")


async def _get_many(at: Place) -> None:
    assert [one async for one in at.bucket.get_many([f"{at.filled()}one"])] == [b"second"]


async def _get_to(at: Place) -> None:
    with (at.folder / "got").open("wb") as file:
        assert await at.bucket.get_to(f"{at.filled()}one", file) == 6


async def _put(at: Place) -> None:
    await at.bucket.put(f"{at.filled()}two", b"x", "text/plain")


async def _put_file(at: Place) -> None:
    large = at.folder / "large"
    large.write_bytes(b"x" * (5 * door.MIB + 1))  # S3's smallest part, and one byte more
    await at.bucket.put_file(f"{at.filled()}large", large, "text/plain")


async def _delete_all(at: Place) -> None:
    assert await at.bucket.delete_all(at.filled()) == 2


async def _presign_put(at: Place) -> None:
    body = b"chunk"
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    grant = at.bucket.presign_put(f"{at.filled()}chunk", size=len(body), sha256_b64=digest, expires=60)
    await at.over_http("PUT", grant.url, data=body, headers=grant.headers)


async def _presign_get(at: Place) -> None:
    await at.over_http("GET", at.bucket.presign_get(f"{at.filled()}one", expires=60))


TRIES: dict[str, Callable[[Place], Awaitable[None]]] = {
    name.removeprefix("_"): one
    for name, one in list(globals().items())
    if name.removeprefix("_") in DOOR and callable(one)
}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 5 MiB goes in parts, as one of 256 MiB does otherwise."""
    monkeypatch.setattr(door, "ONE_PUT_LIMIT", 0)
    monkeypatch.setattr(door, "PART_SIZE", 5 * door.MIB)


async def refused(at: Place, tries: list[str]) -> str:
    """The first of these that S3 does not let the account do; empty where all go."""
    for name in tries:
        try:
            await TRIES[name](at)
        except (StorageError, pytest.fail.Exception):
            return name
    return ""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.usefixtures("small_parts")
async def test_a_roles_policy_is_what_its_code_needs(role: str, s3_server: S3Server, tmp_path: Path) -> None:
    needed = sorted(set().union(*(roles.get(role, set()) for roles in USES.values())))
    at = Place(s3_server, role, tmp_path)
    whole = policy(role, at.config.bucket)
    async with at.bucket:
        at.allow(whole)
        assert not await refused(at, needed), f"docs/aws/{role}.json lacks an action that its code needs"
        for number, statement in enumerate(whole):
            for action in statement["Action"] if statement["Effect"] == "Allow" else []:
                fewer = [*statement["Action"]]
                fewer.remove(action)
                at.allow([*whole[:number], {**statement, "Action": fewer}, *whole[number + 1 :]])
                assert await refused(at, needed), f"nothing needs {action}: strike it from docs/aws/{role}.json"


async def test_who_answers_people_writes_no_heads_of_the_audit_log(s3_server: S3Server, tmp_path: Path) -> None:
    at = Place(s3_server, "cell-web", tmp_path)
    at.allow(policy("cell-web", at.config.bucket))
    async with at.bucket:
        with pytest.raises(StorageRefused):
            await at.bucket.put(f"audit/{uuid4()}/heads/newest.json", b"{}", "application/json")
        with pytest.raises(StorageRefused):
            await at.bucket.delete_all(at.filled())


# -- what stands in the files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "backup"])
def test_nothing_is_allowed_by_a_wildcard_or_elsewhere(role: str) -> None:
    for one in json.loads((AWS / f"{role}.json").read_text())["Statement"]:
        assert not [action for action in one["Action"] if "*" in action]
        where = r"arn:aws:(s3:::(BUCKET|BUCKET-backups|PUBLISHED)(/\*|/audit/\*)?|kms:S3_REGION:ACCOUNT:key/KEY)"
        assert re.fullmatch(where, one["Resource"]), one
    statements = json.loads((AWS / f"{role}.json").read_text())["Statement"]
    actions = {action for one in statements for action in one["Action"]}
    # What is encrypted by a key of KMS is written with a data key, and read, or put together of parts, by decryption.
    assert ("kms:GenerateDataKey" in actions) == ("s3:PutObject" in actions)
    assert ("kms:Decrypt" in actions) == ("s3:GetObject" in actions)


def test_browsers_may_do_what_the_stack_lets_them() -> None:
    assert json.loads((AWS / "cors.json").read_text()) == server_program._cors("https://CELL_HOST")


def test_what_lies_about_is_gone_within_the_promise() -> None:
    days = []
    for name in ("lifecycle", "lifecycle-backups"):
        for rule in json.loads((AWS / f"{name}.json").read_text())["Rules"]:
            days += [rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 0)]
            days += [rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)]
            days += [rule.get("Expiration", {}).get("Days", 0)]
    assert 0 < max(days) <= timedelta(days=5).days


def commands() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each `aws SERVICE OPERATION --OPTION VALUE` of the page."""
    text = re.sub(r"\\\n\s+", "", PAGE)
    for service, operation, rest in re.findall(r"^ {4,}aws ([a-z0-9]+) ([a-z-]+)(.*)$", text, re.M):
        yield service, operation, dict(re.findall(r"--([a-z-]+)(?: ([^-\s]\S*))?", rest))


def test_the_pages_commands_are_awss_and_their_files_are_what_they_take() -> None:
    session, seen, files = botocore.session.get_session(), 0, set()
    for service, operation, options in commands():
        model = session.get_service_model({"s3api": "s3"}.get(service, service))
        named = {xform_name(one, "-"): one for one in model.operation_names}
        assert operation in named, f"aws {service} {operation}: there is no such command"
        shape = model.operation_model(named[operation]).input_shape
        members = {xform_name(one, "-"): one for one in shape.members}
        assert options.keys() <= members.keys() | {"query", "output"}, f"aws {service} {operation}: {options}"
        for option, value in options.items():
            if value.startswith("file://"):
                content = (ROOT / value.removeprefix("file://")).read_text()
                files.add(Path(value).name)
                target = shape.members[members[option]]
                if target.type_name != "string":  # a policy is passed on as a text
                    report = ParamValidator().validate(json.loads(content), target)
                    assert not report.has_errors(), f"{value}: {report.generate_report()}"
        seen += 1
    assert seen > 10
    assert files == {path.name for path in AWS.glob("*.json")}, "a file that no command uses, or one that is not there"

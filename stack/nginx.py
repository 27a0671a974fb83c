"""nginx with ModSecurity and the OWASP rules, as Debian packages them, and the charts' files of the edge for it."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.certificates import Authority
from stack.errors import StackError
from stack.files import write_private
from stack.postgres import account
from stack.processes import Command, own_environment

FILES = Path(__file__).parents[1] / "charts" / "lib" / "files" / "edge"
RUN, CERTIFICATE, KEY = "run", "tls.crt", "tls.key"  # in an edge's folder, beside the charts' files
PACKAGES = "nginx libnginx-mod-http-modsecurity modsecurity-crs"


@dataclass(frozen=True)
class Nginx:
    """Where the program is, its module of the firewall, and the firewall's rules."""

    program: Path
    module: Path = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
    rules: Path = Path("/usr/share/modsecurity-crs/rules")
    unicode: Path = Path("/etc/nginx/unicode.mapping")


@dataclass(frozen=True)
class Front:
    """What one edge stands before: `upstream` is host:port of the process, `listen` its own; `host` is all it knows.

    It shows its metrics at `metrics`, host:port too. As in the charts' values, the firewall is not before each.
    """

    name: str
    host: str
    listen: str
    upstream: str
    metrics: str
    firewall: bool = True


@dataclass(frozen=True)
class Edges:
    """What all edges of a stack share: the programs, and the authority that certifies them."""

    nginx: Nginx
    authority: Authority


def find() -> Nginx:
    """What is installed. Raises StackError that names the packages."""
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    found = Nginx(Path(path or "nginx"))
    missing = [one for one in (found.module, found.rules, found.unicode) if not one.exists()]
    if path is None or missing:
        what = "nginx" if path is None else missing[0]
        raise StackError(f"the edge needs {what}, which is not here: apt-get install {PACKAGES}")
    return found


def render(nginx: Nginx, front: Front, folder: Path) -> Mapping[str, str]:
    """The charts' files by name, with what is written ${IN_CAPITALS} put in for this machine; to lie in that folder."""
    put = {
        "NAME": front.name,
        "WAF": "" if front.firewall else "# ",
        "MODULE": str(nginx.module),
        "FILES": str(folder),
        "WORKERS": "1",
        "RUN": str(folder / RUN),
        "LISTEN": front.listen,
        "METRICS": front.metrics,
        "UPSTREAM": front.upstream,
        "HOSTS": front.host,
        "PORT": front.listen[front.listen.rindex(":") :],
        "HSTS_S": "0",  # browsers would hold a name of this machine to TLS when the edge is long gone
        "CERTIFICATE": str(folder / CERTIFICATE),
        "KEY": str(folder / KEY),
        "PARANOIA": "2",
        "RULES": str(nginx.rules),
        "UNICODE": str(nginx.unicode),
    }
    texts = {file.name: file.read_text(encoding="utf-8") for file in FILES.iterdir()}
    for name, value in put.items():
        texts = {file: text.replace(f"${{{name}}}", value) for file, text in texts.items()}
    return texts


def command(edges: Edges, front: Front, folder: Path) -> Command:
    """Write the files of one edge with a new certificate, and say what runs it.

    Root's runs under another account, which may read these files and nothing else of the stack.
    """
    who = account()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / RUN).mkdir(parents=True)
    folder.chmod(0o700)
    certified = edges.authority.certify(front.host)
    files = {**render(edges.nginx, front, folder), CERTIFICATE: certified.chain, KEY: certified.key}
    for name, text in files.items():
        write_private(folder / name, text)
    if who:
        for path in (folder, *folder.iterdir()):
            os.chown(path, who.uid, who.gid)
    environment = own_environment()
    search = f"{edges.nginx.program.parent}:{environment.get('PATH', os.defpath)}"
    given = {"PATH": search, "CERTIFICATE": str(folder / CERTIFICATE), "KEY": str(folder / KEY)}
    return Command(
        ["/bin/sh", folder / "start.sh", folder / "nginx.conf", folder / RUN], environment | given, account=who
    )

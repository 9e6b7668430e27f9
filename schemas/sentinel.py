"""The address of a store that Redis Sentinel watches over: several sentinels, and the name they know the store by."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

SCHEME = "sentinel://"
DEFAULT_PORT = 26379
FORM = "must be as in sentinel://:password@host:26379,host2:26379/service-name/0"


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """`sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/db][?sentinel_password=…]`, in parts."""

    #: host and port of each sentinel
    sentinels: tuple[tuple[str, int], ...]
    #: the name in `sentinel monitor <name> …`
    service: str
    db: int
    #: of the store
    username: str | None
    password: str | None = field(repr=False)
    #: of the sentinels, if they have one
    sentinel_password: str | None = field(repr=False)

    @property
    def broker_urls(self) -> str:
        """The same for kombu, which wants a URL a sentinel, and the service's name apart."""
        who = ""
        if self.username or self.password:
            who = f"{quote(self.username or '', safe='')}:{quote(self.password or '', safe='')}@"
        hosts = (f"[{host}]" if ":" in host else host for host, _ in self.sentinels)
        return ";".join(
            f"{SCHEME}{who}{host}:{port}/{self.db}" for host, (_, port) in zip(hosts, self.sentinels, strict=True)
        )


def read_sentinel_address(url: str) -> SentinelAddress | None:
    """The address in `url`, or None if it has another scheme. Raises ValueError, with a sentence that repeats no secret."""
    if not url.startswith(SCHEME):
        return None
    rest, _, query = url.removeprefix(SCHEME).partition("?")
    where, _, path = rest.partition("/")
    who, _, hosts = where.rpartition("@")
    username, _, password = who.partition(":")
    service, _, db = path.partition("/")
    # 0 is what a URL without a database means everywhere else, too.
    if not service or not (db or "0").isdecimal() or "/" in db:
        raise ValueError(FORM)
    return SentinelAddress(
        tuple(_host_and_port(host) for host in hosts.split(",")),
        unquote(service),
        int(db or 0),
        unquote(username) or None,
        unquote(password) or None,
        parse_qs(query).get("sentinel_password", [None])[0],
    )


def _host_and_port(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(FORM) from None
    if not host:
        raise ValueError(FORM)
    return host, port or DEFAULT_PORT

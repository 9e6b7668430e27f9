"""Where files lie: the path in a URL, the URL of a path in a COS bucket, the container an extension names."""

import re

from schemas.event import Bucket

_EXTENSION = re.compile(r"[^/]\.([A-Za-z0-9]{1,8})$")
#: What a URL's path cannot hold as it is, or would end it: a file may be called `my clip #1.mp4`.
_UNSAFE = re.compile(r'[\x00-\x20"#<>?\\^`{|}\x7f]|%(?![0-9A-Fa-f]{2})')
_BUCKET_HOST = re.compile(r"https?://([^/]+)-([0-9]+)\.cos([a-z0-9-]+)\.myqcloud\.com/")


def path_of(url: str | None) -> str | None:
    """The path in `url`, as it is written there; None if it has none."""
    if not url:
        return None
    _, scheme, rest = url.partition("://")
    slash = (rest if scheme else url).find("/")
    if slash < 0:
        return None
    return re.split(r"[?#]", (rest if scheme else url)[slash:], maxsplit=1)[0]


def container_of(path: str | None) -> str | None:
    """`mp4` for `/a/w.mp4.f10.mp4`; None where the extension is not clear."""
    match = _EXTENSION.search(path) if path else None
    return match[1].lower() if match else None


def bucket_root(bucket: Bucket) -> str | None:
    """The address that paths in `bucket` are appended to, after the examples on the CTS pages.

    None if its name, region or app id is not known.
    """
    if bucket["name"] is None or bucket["region"] is None or bucket["app_id"] is None:
        return None
    return f"http://{bucket['name']}-{bucket['app_id']}.cos{bucket['region']}.myqcloud.com"


def address(root: str, path: str) -> str:
    """The absolute URL of `path` under `root`; characters that would break or cut the URL are
    percent-encoded.
    """
    if _UNSAFE.search(path):
        path = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", path)
    return root + path if path[0] == "/" else f"{root}/{path}"


def bucket_of(url: str) -> Bucket | None:
    """The bucket that a COS URL names; None for any other URL."""
    match = _BUCKET_HOST.match(url)
    return {"name": match[1], "region": match[3], "app_id": match[2]} if match else None

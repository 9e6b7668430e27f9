"""References: what an event is found by, other than its own id: its task id, its media id, and sometimes names of its
renditions.

A reference is a short digest, so that a long id costs no more than a short one and needs no escaping. Two ids with
one digest would be found together, and whoever looks sees which is which: every event that is found is compared with
what was asked for.
"""

import base64
import hashlib

#: Bytes of a digest: among a million ids, one in ten thousand million stores has two alike.
DIGEST_BYTES = 9


def reference(identity: str) -> str:
    """What stands for `identity` in `ti:reference:<reference>`."""
    digest = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode()

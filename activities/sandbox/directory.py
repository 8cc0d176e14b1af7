"""A directory of made-up people."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from activities.ports import Contact, PostalAddress

_GIVEN: Final = ("Ada", "Bo", "Carmen", "Dieu", "Emeka", "Farah", "Goran", "Hana")
_FAMILY: Final = ("Abara", "Brandt", "Costa", "Dubois", "Eriksen", "Fujita", "Garcia", "Horvat")


class SandboxDirectory:
    """Knows everybody who has an id, always by the same name; no message can reach a real person."""

    def contact(self, party_id: str) -> Contact | None:
        """A made-up contact at example.org, nobody's by RFC 2606, in a made-up street; none for an empty id."""
        if not party_id:
            return None
        digest = blake2b(party_id.encode(), digest_size=8).digest()
        given, family = _GIVEN[digest[0] % len(_GIVEN)], _FAMILY[digest[1] % len(_FAMILY)]
        address = f"{given}.{family}.{digest.hex()[4:]}@example.org".lower()
        street = f"{100 + digest[2]} Example Street"
        home = PostalAddress(street1=street, city="Springfield", state="IL", zip="62701", country="US")
        return Contact(name=f"{given} {family}", address=address, postal=home)

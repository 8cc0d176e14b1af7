"""What is installed for these tests is pinned by hash, without a download address."""

from __future__ import annotations

import json

from tests.payments.servers import HERE


def test_the_lock_names_versions_and_hashes_only() -> None:
    """Which registry is asked is a matter of the machine."""
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"]

    assert [] == [name for name, package in packages.items() if "resolved" in package]
    assert [] == [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}

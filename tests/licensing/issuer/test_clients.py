"""The clients that customers have, against the index, with our wheels as they are built.

What our packages need comes from a second index on this machine, as from PyPI, so that no test needs a network.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from offsider_issuer.ledger import Issued
from offsider_issuer.wheel import normalised
from offsider_pro import __version__
from support.pages import page
from support.vendor import TODAY, Site, Vendor
from support.wheels import build, make_wheel, pack_installed

PRO = {"offsider", "offsider-licensing", "offsider-pro"}
ENTERPRISE = {*PRO, "offsider-enterprise"}
IMPORT = "import offsider_licensing, offsider_pro; print(offsider_pro.__version__)"
GUIDE = page("docs/guides/buying.md")
PLACE = "packages.example.com"  # what the guide calls the index


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our wheels: project → wheel."""
    return build(tmp_path_factory.mktemp("built"), TODAY)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Folders as pages of links, which is what an index is."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def public(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of what everybody can have: the free edition, and what ours need."""
    folder = tmp_path_factory.mktemp("public")
    for path in [built["offsider"], *pack_installed(tmp_path_factory.mktemp("packed"), *built.values()).iterdir()]:
        place = folder / normalised(path.name.split("-")[0])
        place.mkdir()
        shutil.copy(path, place)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def shop(vendor: Vendor, built: dict[str, Path]) -> Vendor:
    """A vendor with our wheels in the index."""
    vendor.publish(*(path for project, path in built.items() if project != "offsider"))
    return vendor


@pytest.fixture
def index(shop: Vendor) -> Iterator[Site]:
    """Its index, served."""
    with shop.index() as site:
        yield site


class Customer:
    """A customer's machine: an empty environment, and nothing configured."""

    def __init__(self, folder: Path, public: str) -> None:
        self.folder = folder
        self.python = folder / "venv/bin/python"
        kept = ("PATH", "LANG", "TMPDIR")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(folder), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1", "PIP_INDEX_URL": public,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_DEFAULT_INDEX": public,
            "UV_CACHE_DIR": str(folder / "cache"), "UV_PYTHON_DOWNLOADS": "never",
        }  # fmt: skip
        self.run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, "venv")

    def run(self, *words: str | Path, fails: bool = False, **environment: str) -> str:
        """Run a command; what it says."""
        done = subprocess.run(
            [*map(str, words)], cwd=self.folder, env={**self.environment, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
        )  # fmt: skip
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout

    def pip(self, *words: str, fails: bool = False) -> str:
        """``pip install WORDS``."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "install", "--no-compile")
        return self.run(*pip, *words, fails=fails)

    def uv(self, *words: str, fails: bool = False, **environment: str) -> str:
        """``uv pip install WORDS``."""
        return self.run(
            sys.executable, "-m", "uv", "pip", "install", "--python", self.python, *words, fails=fails, **environment
        )

    def has(self) -> set[str]:
        """Our projects that are installed."""
        listed = self.run(sys.executable, "-m", "uv", "pip", "list", "--python", self.python, "--format", "json", "-q")
        return {one["name"] for one in json.loads(listed) if one["name"].startswith("offsider")}


@pytest.fixture
def customer(tmp_path: Path, public: str) -> Customer:
    """A customer's machine."""
    folder = tmp_path / "customer"
    folder.mkdir()
    return Customer(folder, public)


def netrc(customer: Customer, sold: Issued) -> None:
    """Put a customer's credentials where both pip and uv look."""
    path = customer.folder / ".netrc"
    path.write_text(f"machine 127.0.0.1\nlogin {sold.license.key_id}\npassword {sold.index_key}\n")
    path.chmod(0o600)


def test_pip_installs_pro_and_what_it_needs_and_not_enterprise(shop: Vendor, index: Site, customer: Customer) -> None:
    url = index.url(shop.sell("pro"))
    customer.pip("--extra-index-url", url, "offsider-pro")
    assert customer.has() == PRO
    assert customer.run(customer.python, "-I", "-c", IMPORT).strip() == __version__
    said = customer.pip("--extra-index-url", url, "offsider-enterprise", fails=True)
    assert "No matching distribution found for offsider-enterprise" in said


def test_pip_installs_enterprise_with_a_netrc(shop: Vendor, index: Site, customer: Customer) -> None:
    netrc(customer, shop.sell("enterprise"))
    customer.pip("--extra-index-url", index.url(), "--no-deps", *sorted(ENTERPRISE))
    assert customer.has() == ENTERPRISE
    lines = [json.loads(line)["file"].split("-")[0] for line in shop.folder.downloads.read_text().splitlines()]
    assert sorted(lines) == ["offsider_enterprise", "offsider_licensing", "offsider_pro"]


def test_pip_checks_the_hashes_of_the_index(shop: Vendor, index: Site, customer: Customer) -> None:
    for path in shop.folder.packages.glob("offsider_licensing-*.whl"):
        path.write_bytes(path.read_bytes() + b"x")
    said = customer.pip("--extra-index-url", index.url(shop.sell("pro")), "--no-deps", "offsider-licensing", fails=True)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in said


def test_pip_with_a_wrong_key_finds_nothing(shop: Vendor, index: Site, customer: Customer) -> None:
    sold = shop.sell("pro")
    wrong = index.url(sold).replace(sold.index_key, "osk_wrong")
    said = customer.pip("--extra-index-url", wrong, "offsider-pro", fails=True)
    assert "No matching distribution found" in said


def test_uv_installs_pro_and_not_enterprise(shop: Vendor, index: Site, customer: Customer) -> None:
    url = index.url(shop.sell("pro"))
    customer.uv("--index", url, "offsider-pro")
    assert customer.has() == PRO
    assert "offsider-enterprise was not found" in customer.uv("--index", url, "offsider-enterprise", fails=True)


def test_uv_with_its_variables_or_a_netrc(shop: Vendor, index: Site, customer: Customer) -> None:
    sold = shop.sell("enterprise")
    customer.uv(
        "offsider-pro", UV_INDEX=f"offsider={index.url()}",
        UV_INDEX_OFFSIDER_USERNAME=sold.license.key_id, UV_INDEX_OFFSIDER_PASSWORD=sold.index_key,
    )  # fmt: skip
    netrc(customer, sold)
    customer.uv("--index", index.url(), "offsider-enterprise")
    assert customer.has() == ENTERPRISE


def test_uv_says_that_a_key_is_wrong_or_revoked(shop: Vendor, index: Site, customer: Customer) -> None:
    sold = shop.sell("pro")
    wrong = index.url(sold).replace(sold.index_key, "osk_wrong")
    assert "401 Unauthorized" in customer.uv("--index", wrong, "offsider-pro", fails=True)
    with shop.ledger() as ledger:
        ledger.revoke(sold.license.license_id, "refund")
    assert "401 Unauthorized" in customer.uv("--index", index.url(sold), "offsider-pro", fails=True)


def test_after_the_end_clients_take_the_newest_that_was_built_before(
    shop: Vendor, index: Site, customer: Customer, tmp_path: Path
) -> None:
    for version, built in (("90.0", "2026-11-30"), ("91.0", "2027-03-01")):
        shop.publish(make_wheel(tmp_path / "later", "offsider-pro", version, built=built))
    sold = shop.sell("pro", date(2026, 12, 31))
    shop.travel_past(date(2028, 1, 1))
    customer.pip("--extra-index-url", index.url(sold), "--no-deps", "offsider-pro")
    listed = customer.run(sys.executable, "-m", "uv", "pip", "list", "--python", customer.python, "-q")
    assert listed.split()[-2:] == ["offsider-pro", "90.0"]


def test_a_project_of_uv_as_the_guide_has_it(shop: Vendor, index: Site, customer: Customer) -> None:
    sold = shop.sell("pro")
    (ours,) = (block.text for block in GUIDE.blocks("toml") if "tool.uv.index" in block.text)
    here = f"python_full_version == '{platform.python_version()}' and sys_platform == '{sys.platform}'"
    project = (
        f'[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n[tool.uv]\nenvironments = ["{here}"]\n'
    )
    written = customer.folder / "pyproject.toml"
    written.write_text(project + ours.replace(f"https://{PLACE}/simple/", index.url()))
    key = {"UV_INDEX_OFFSIDER_USERNAME": sold.license.key_id, "UV_INDEX_OFFSIDER_PASSWORD": sold.index_key}
    assert all(f"$ export {name}=" in GUIDE.text for name in key)
    uv = (sys.executable, "-m", "uv")
    customer.run(*uv, "add", "--python", sys.executable, "offsider-pro", **key)
    assert customer.run(*uv, "run", "--no-sync", "python", "-c", IMPORT).splitlines()[-1] == __version__
    assert sold.index_key not in written.read_text() + (customer.folder / "uv.lock").read_text()
    assert "401" in customer.run(*uv, "lock", "--refresh", "--upgrade", fails=True)


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_an_environment_of_hatch_as_the_guide_has_it(
    shop: Vendor, index: Site, customer: Customer, installer: str
) -> None:
    (ours,) = (block.text for block in GUIDE.blocks("toml") if "tool.hatch" in block.text)
    extra = f'[tool.hatch.envs.default]\nskip-install = true\npath = ".environment"\ninstaller = "{installer}"\n'
    text = ours.replace("[tool.hatch.envs.default]\n", extra, 1).replace("https://", "http://")
    text = text.replace(PLACE, f"127.0.0.1:{index.port}")
    (customer.folder / "pyproject.toml").write_text(f'[project]\nname = "shop"\nversion = "1"\n\n{text}')
    sold = shop.sell("pro")
    said = customer.run(
        sys.executable, "-m", "hatch", "--no-color", "run", "python", "-c", IMPORT,
        INDEX_KEY=f"{sold.license.key_id}:{sold.index_key}",
    )  # fmt: skip
    assert said.splitlines()[-1] == __version__


def test_a_machine_without_a_network_installs_from_a_folder(shop: Vendor, index: Site, customer: Customer) -> None:
    pip = (sys.executable, "-m", "pip", "--python", customer.python)
    packages = ("offsider-pro", "offsider-licensing")
    url = index.url(shop.sell("pro"))
    customer.run(
        *pip, "download", "-q", "--no-deps", "--only-binary=:all:", "-d", "wheels", "--index-url", url, *packages
    )
    customer.pip("--no-index", "--no-deps", "--find-links", "wheels", "offsider-pro", "offsider-licensing")
    assert customer.has() == PRO - {"offsider"}

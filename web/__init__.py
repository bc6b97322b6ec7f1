"""The web app as the server finds it: where the built files lie. Everything else in this folder is TypeScript."""

from pathlib import Path

__all__ = ["DIST"]

DIST = Path(__file__).parent / "dist"
"""The folder with the built app. It is made by ``build_hook`` when the package is installed."""

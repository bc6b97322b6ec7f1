"""``python -m server``: the same as ``baygrid``."""

from server.main import app

app()

"""Messages and their bytes: what travels between server and clients, and between nodes."""

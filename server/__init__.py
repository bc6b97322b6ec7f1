"""The Baygrid server: it puts the grid engine and the rules between Postgres, Redis, HTTP and WebSockets.

Layers, from the top; each knows only those below it (checked in CI):
``main → app → edge → service → live → (storage | bus | jobs | integrations) → wire → (commands | settings | errors | clock)``.
"""

"""Two made-up venues, the people who work and play there, and the weeks round today: what ``baygrid demo`` shows.

Belongs here: demo data, and nothing that a real venue needs. Does not belong here: starting servers or printing.
"""

from server.demo.seeding import DemoAccounts, DemoVenue, SignIn, seed

__all__ = ["DemoAccounts", "DemoVenue", "SignIn", "seed"]

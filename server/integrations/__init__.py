"""The protocols of companies that Baygrid talks with: one file each behind one small port.

Belongs here: what a provider's bytes mean, and what it is sent. Does not belong here: when it is asked, and what is done with
what it says (``server.service``).
"""

"""What is said to people, and how it leaves.

Belongs here: wording, recipients, and the port to whoever delivers. Does not belong here: SQL (``storage.notifications``).
"""

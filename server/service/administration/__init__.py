"""What admins set up: locations, resources, blackouts, accounts and restrictions; one class a noun.

Belongs here: the story of each change, from who may make it to who is told. Does not belong here: bookings, blocks
included.
"""

"""How nodes tell each other things: a port and its adapters, in memory and over Redis.

Belongs here: bytes from one node to the others, and knowing whether they arrive. Does not belong here: what the bytes mean.
"""

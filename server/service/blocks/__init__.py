"""Time taken out of use by admins: many resources at once, again and again, edited and ended as a series (B1, B2, B3, B6).

Belongs here: what a block request means, from its recurrence to the rows that it changes. Does not belong here: locks and
writing (``server.service.attempt``), SQL (``server.storage``). One block made as a booking of its type is in
``bookings.creating``.
"""

"""The doors: HTTP routes by noun, the WebSocket loop, authentication, and the OpenAPI document that describes them.

Belongs here: parsing what strangers send, telling who they are, wording and rendering answers. Does not belong here:
deciding what may be done (``service.access``) or doing it (``service``).
"""

"""What HubSpot tells of its contacts, and what of it accounts take over (H1, H3).

Belongs here: which side owns which field, and the use case that follows HubSpot. Does not belong here: HubSpot's protocol
(``server.integrations.hubspot``) and the shape of its events (``server.edge.routes.hubspot``).
"""

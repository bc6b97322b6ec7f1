"""The page at ``/api/docs``: reads the OpenAPI document and tries what it describes. No library, nothing from elsewhere."""

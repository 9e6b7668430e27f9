"""The shapes of the JSON API: what a query may ask, what a body may hold, and what is answered.

Queries and bodies are loaded through these schemas; the document at `/api/openapi.json` is made from them; and tests hold
every answer against them. A file for each kind of thing, as in `app/api`.
"""

"""The web pages: an ASGI application. All they show and do comes from the app's data API; they keep nothing."""

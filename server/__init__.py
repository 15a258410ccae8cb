"""The ASGI front of the web process: who may ask, what is refused, how pictures are served."""

"""The drawn world: pictures that a program draws, with what is to be said about them.

Portraits, full figures, landscapes and still lifes; deterministic by seed; nothing here reads a
picture made by anybody else. `drawing.draw` is the entrance.
"""

"""Import this before subclassing a Gradio component: it keeps Gradio from writing a .pyi beside it.

Gradio 6 writes such a file into the source tree when the class is made (gradio 6, trap 11).
"""

from gradio import component_meta

component_meta.create_or_modify_pyi = lambda *_args, **_kwargs: None

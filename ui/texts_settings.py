"""Texts of the settings page and the styles editor; `ui/texts.py` merges or re-exports them."""

from __future__ import annotations

from typing import Final

LABELS: Final = {
    "tab_settings": "Settings",
    "styles": "Styles",
    "styles_editor": "Edit styles",
    "style_name": "Style",
    "style_name_info": "Choose a style, or type a new name. Its text is added at the end; "
    "{prompt} marks where the prompt goes instead.",
    "style_save": "Save",
    "style_delete": "Delete",
    "style_copy": "Copy the prompts in",
    "style_apply_dialog": "Apply the selected styles",
    "style_close": "Close",
}

TOOLTIPS: Final = {
    **{
        key: text
        for tab in ("img2img", "txt2img")
        for key, text in {
            f"{tab}_styles": "Their texts are added to the prompts when the picture is made",
            f"{tab}_style_apply": "Write the selected styles into both prompts",
            f"{tab}_styles_edit_button": "Create, change and delete styles",
            f"refresh_{tab}_styles": "Read the styles file again",
            f"{tab}_style_copy": "Put both prompts of the page into the editor",
            f"{tab}_edit_style_save": "Keep the style under this name",
            f"{tab}_edit_style_delete": "Delete this style from the styles file",
        }.items()
    }
}

MESSAGES: Final = {
    "settings_saved": "{count} setting(s) saved.",
    "settings_same": "Nothing was changed.",
    "settings_refused": "Nothing was saved: {count} setting(s) cannot have this value.",
    "settings_not_kept": "The settings could not be written: {reason}",
    "settings_admins": "Only administrators may change settings.",
    "settings_restart": "Kept. It takes effect when the server is started again.",
    "settings_no_model": "there is no checkpoint of this name",
    "settings_no_vae": "there is no VAE file of this name",
    "style_saved": "The style {name} is saved.",
    "style_deleted": "The style {name} is deleted.",
    "style_needs_name": "Give the style a name first.",
    "style_bad_name": "A style's name may not begin with # and not be None.",
    "style_admins": "Only administrators may change the styles of this server.",
    "style_file": "styles.csv cannot be used: {reason}",
    "style_gone": "There is no style {name} any more; it was left out.",
    "style_none": "Choose one or more styles first.",
}

SETTINGS: Final = {
    "search": "Search settings",
    "apply": "Apply settings",
    "reload": "Reload UI",
    "notify": "Allow notifications",
    "changed_only": "Only what differs from the default",
    "idle": "Also settings without effect here",
    "idle_note": "Kept for programs that read or write it; it has no effect here.",
    "restart_note": "Takes effect when the server is started again.",
    "file_note": "Can be changed in config.json only.",
    "derived_note": "Follows from the checkpoint.",
    "reset": "Back to the default: {default}",
    "empty": "empty",
    "on": "on",
    "off": "off",
    "nothing": "No setting matches.",
    "lines": "One entry a line",
    "sections": "Sections",
    "infotext": "In the infotext: {key}",
}
"""Texts that only the settings page's script shows."""

CATEGORIES: Final = (
    ("Saving images", ("Saving images", "Folders")),
    (
        "Stable Diffusion",
        ("Stable Diffusion", "img2img", "Sampler parameters", "Optimisation", "Compatibility"),
    ),
    ("User Interface", ("Page", "Infotext", "Live previews", "Interrogate")),
    ("System", ("API",)),
    ("Postprocessing", ("Faces and upscaling",)),
)
"""Headings over the sections of `jobs.options`, as A1111 groups them (ui 13)."""

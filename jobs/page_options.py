"""The A1111 settings around pictures: saving, folders, page, previews, interrogators, API.

Rows are read as in `jobs/picture_options.py` (api 3.3, ui 13).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from jobs.option import Guard, Option

SAVING: Final = (
    Option("samples_save", True, "Save pictures.", honoured=True),
    Option("samples_format", "png", "Format of saved pictures.", honoured=True),
    Option("samples_filename_pattern", "", "Pattern of file names.", honoured=True),
    Option("save_images_add_number", True, "Put a number before each file name.", honoured=True),
    Option(
        "save_images_replace_action",
        "Replace",
        "What to do when the file exists.",
        instead="No file is ever replaced; the next free name is taken.",
    ),
    Option("grid_save", True, "Save grids.", honoured=True),
    Option("grid_format", "png", "Format of saved grids.", honoured=True),
    Option("grid_only_if_multiple", True, "No grid for a single picture.", honoured=True),
    Option("grid_prevent_empty_spots", False, "Choose rows without empty cells.", honoured=True),
    Option(
        "grid_background_color",
        "#ffffff",
        "Colour of empty grid cells, as #rrggbb.",
        pattern=r"#[0-9a-fA-F]{6}",
        honoured=True,
    ),
    Option(
        "n_rows",
        -1,
        "Rows of a grid; -1 as square as possible, 0 = batch size.",
        -1,
        64,
        honoured=True,
    ),
    Option("enable_pnginfo", True, "Write generation data into pictures.", honoured=True),
    Option("save_txt", False, "Write generation data into a text file beside.", honoured=True),
    Option("save_init_img", False, "Save init images, too.", honoured=True),
    Option("save_mask", False, "Save the mask beside inpainted pictures.", honoured=True),
    Option(
        "save_mask_composite",
        False,
        "Save what was painted, cut out, beside inpainted pictures.",
        honoured=True,
    ),
    Option(
        "save_images_before_color_correction",
        False,
        "Save before colour correction, too.",
        honoured=True,
    ),
    Option(
        "save_images_before_face_restoration",
        False,
        "Save before face restoration, too.",
        instead="There is no face restorer.",
    ),
    Option("save_images_before_highres_fix", False, "Save before hires fix, too.", honoured=True),
    Option(
        "save_incomplete_images", False, "Save pictures that an interrupt cut short.", honoured=True
    ),
    Option("jpeg_quality", 80, "Quality of JPEG, WEBP and AVIF pictures.", 1, 100, honoured=True),
    Option("webp_lossless", False, "Write WEBP without loss.", honoured=True),
    Option("export_for_4chan", True, "Save large pictures as JPEG, too.", honoured=True),
    Option(
        "img_downscale_threshold",
        4.0,
        "File size in MB from which that JPEG is made.",
        0.0,
        1000.0,
        honoured=True,
    ),
    Option(
        "target_side_length",
        4000,
        "Side in pixels from which that JPEG is made, and to which it is shrunk.",
        1,
        65535,
        honoured=True,
    ),
    Option("img_max_size_mp", 200, "Largest grid in megapixels.", 1, 1000, honoured=True),
    Option(
        "use_original_name_batch",
        True,
        "Name results of Extras' batches after their inputs.",
        honoured=True,
    ),
    Option("save_selected_only", True, "Save button: only the chosen picture.", honoured=True),
    Option("save_write_log_csv", True, "Save button: write log.csv.", honoured=True),
    Option(
        "temp_dir",
        "",
        "Folder of temporary pictures.",
        guard=Guard.FILE,
        instead="They lie in the data folder, or where GRADIO_TEMP_DIR says.",
    ),
    Option(
        "clean_temp_dir_at_start",
        False,
        "Empty that folder at start.",
        instead="Uploads go by their age, at every start.",
    ),
    Option("notification_audio", True, "Play a sound when pictures are done.", honoured=True),
    Option("notification_volume", 100, "Its volume in per cent.", 0, 100, honoured=True),
)


def _folder(key: str, default: str, text: str) -> Option:
    """A setting that names a folder of the server."""
    return Option(key, default, text, guard=Guard.FILE, honoured=True)


FOLDERS: Final = (
    _folder("outdir_samples", "", "All pictures; empty = one folder a tab."),
    _folder("outdir_txt2img_samples", "outputs/txt2img-images", "txt2img."),
    _folder("outdir_img2img_samples", "outputs/img2img-images", "img2img."),
    _folder("outdir_extras_samples", "outputs/extras-images", "Extras."),
    _folder("outdir_grids", "", "All grids; empty = one folder a tab."),
    _folder("outdir_txt2img_grids", "outputs/txt2img-grids", "txt2img grids."),
    _folder("outdir_img2img_grids", "outputs/img2img-grids", "img2img grids."),
    _folder("outdir_save", "log/images", "The Save button."),
    _folder("outdir_init_images", "outputs/init-images", "Saved init images."),
    Option("save_to_dirs", True, "Save pictures to a sub-folder.", honoured=True),
    Option("grid_save_to_dirs", True, "Save grids to a sub-folder.", honoured=True),
    Option("use_save_to_dirs_for_ui", False, "Save button: use a sub-folder.", honoured=True),
    Option("directories_filename_pattern", "[date]", "Pattern of sub-folder names.", honoured=True),
    Option("directories_max_prompt_words", 8, "Words of [prompt_words].", 1, 20, honoured=True),
)

PAGE: Final = (
    Option(
        "localization",
        "None",
        "Language of the page; None = the browser's.",
        choices=("None", "English", "简体中文", "日本語"),
        honoured=True,
    ),
    Option(
        "quicksettings_list",
        ("sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers"),
        "Settings at the top of the page, by name.",
        honoured=True,
        restart=True,
    ),
    Option("ui_tab_order", (), "Tabs that come first, in this order.", honoured=True, restart=True),
    Option(
        "hidden_tabs",
        (),
        "Tabs that are not shown; Settings always is.",
        honoured=True,
        restart=True,
    ),
    Option(
        "ui_reorder_list",
        (),
        "Order of controls.",
        instead="Controls stand in A1111's usual order.",
    ),
    Option(
        "gradio_theme",
        "Default",
        "Theme of the page.",
        instead="There is one theme, light or dark as the browser asks.",
    ),
    Option("show_progress_in_title", True, "Progress in the window title.", honoured=True),
    Option("send_seed", True, "Send to...: take the seed along.", honoured=True),
    Option("send_size", True, "Send to...: take the size along.", honoured=True),
    Option("return_grid", True, "Return a grid before the pictures.", honoured=True),
    Option("do_not_show_images", False, "Show no results.", honoured=True),
    Option("js_modal_lightbox", True, "Full-page viewer.", honoured=True),
    Option("js_modal_lightbox_initially_zoomed", True, "Open it zoomed.", honoured=True),
    Option(
        "js_modal_lightbox_gamepad",
        False,
        "Steer it with a gamepad.",
        instead="The viewer knows keys, mouse and touch only.",
    ),
    Option(
        "gallery_height",
        "",
        "Height of the gallery, e.g. 500px or 60vh; empty = as the window allows.",
        pattern=r"(\d+(\.\d+)?(px|em|rem|vh)?)?",
        example="500px",
        honoured=True,
    ),
    Option(
        "img2img_editor_height", 720, "Height of the editor in pixels.", 80, 1600, honoured=True
    ),
    Option(
        "img2img_sketch_default_brush_color", "#ffffff", "First colour of Sketch.", honoured=True
    ),
    Option(
        "img2img_inpaint_mask_brush_color", "#ffffff", "Colour of the mask brush.", honoured=True
    ),
    Option(
        "img2img_inpaint_sketch_default_brush_color",
        "#ffffff",
        "First colour, Inpaint sketch.",
        honoured=True,
    ),
    Option(
        "img2img_batch_show_results_limit",
        32,
        "Batch results shown; -1 = all.",
        honoured=True,
    ),
    Option(
        "keyedit_precision_attention", 0.1, "Step of Ctrl+Up in (word:1.1).", 0.01, 2, honoured=True
    ),
    Option(
        "keyedit_precision_extra", 0.05, "Step of Ctrl+Up in <lora:name:1>.", 0.01, 2, honoured=True
    ),
    Option(
        "keyedit_delimiters", r".,\/!?%^*;:{}=`~() ", "Ends of a word for Ctrl+Up.", honoured=True
    ),
    Option("keyedit_move", True, "Alt+Left and Right move prompt parts.", honoured=True),
    Option("disable_token_counters", False, "No token counters.", honoured=True),
    Option(
        "include_styles_into_token_counters",
        True,
        "Count the tokens of styles, too.",
        honoured=True,
    ),
    Option(
        "interrupt_after_current", True, "Interrupt finishes the picture in work.", honoured=True
    ),
    Option("samplers_in_dropdown", True, "Samplers as a drop-down.", honoured=True, restart=True),
    Option(
        "dimensions_and_batch_together",
        True,
        "Size and batch in one row.",
        honoured=True,
        restart=True,
    ),
)

INFOTEXT: Final = (
    Option("add_model_hash_to_info", True, "Write the model's hash.", target="telling.model_hash"),
    Option("add_model_name_to_info", True, "Write the model's name.", target="telling.model_name"),
    Option("add_vae_hash_to_info", True, "Write the VAE's hash.", target="telling.vae_hash"),
    Option("add_vae_name_to_info", True, "Write the VAE's name.", target="telling.vae_name"),
    Option("add_user_name_to_info", False, "Write the user's name.", honoured=True),
    Option(
        "add_library_versions_to_infotext",
        False,
        "Write the versions of libraries, and the device (no A1111 setting).",
        infotext="Libraries",
        honoured=True,
    ),
    Option("add_version_to_infotext", True, "Write the version.", target="telling.version"),
    Option(
        "disable_weights_auto_swap",
        True,
        "A pasted infotext does not change the model.",
        honoured=True,
    ),
    Option("infotext_skip_pasting", (), "Keys that pasting leaves out.", honoured=True),
    Option(
        "infotext_styles",
        "Apply if any",
        "Styles found in pasted prompts.",
        choices=("Ignore", "Apply", "Discard", "Apply if any"),
        honoured=True,
    ),
)

PREVIEWS: Final = (
    Option("show_progressbar", True, "Show a progress bar.", honoured=True),
    Option("live_previews_enable", True, "Show pictures while they are made.", honoured=True),
    Option(
        "live_previews_image_format",
        "jpeg",
        "Format of previews.",
        choices=("jpeg", "png", "webp"),
        honoured=True,
    ),
    Option("show_progress_grid", True, "Previews show the whole batch.", honoured=True),
    Option(
        "show_progress_every_n_steps",
        0,
        "Steps between previews; 0 = several a second, -1 = after each batch.",
        -1,
        32,
        honoured=True,
    ),
    Option(
        "show_progress_type",
        "Approx NN",
        "How previews are made.",
        choices=("Full", "Approx NN", "Approx cheap", "TAESD"),
        honoured=True,
    ),
    Option(
        "live_preview_allow_lowvram_full",
        False,
        "Full previews on small GPUs.",
        instead="There is no low memory mode that would hold them back.",
    ),
    Option(
        "live_preview_content",
        "Prompt",
        "What previews show.",
        choices=("Combined", "Prompt", "Negative prompt"),
        honoured=True,
    ),
    Option(
        "live_preview_refresh_period",
        100,
        "Milliseconds between updates of progress and preview.",
        50,
        60000,
        honoured=True,
    ),
    Option("live_preview_fast_interrupt", False, "Interrupt returns the preview.", honoured=True),
    Option(
        "js_live_preview_in_modal_lightbox",
        False,
        "Previews in the full-page viewer.",
        honoured=True,
    ),
)

INTERROGATION: Final = tuple(
    replace(option, honoured=True)
    for option in (
        Option("interrogate_keep_models_in_memory", False, "Keep the models loaded."),
        Option("interrogate_return_ranks", False, "Show probabilities."),
        Option("interrogate_clip_num_beams", 1, "BLIP: beams.", 1, 16),
        Option("interrogate_clip_min_length", 24, "BLIP: shortest caption in tokens.", 1, 128),
        Option("interrogate_clip_max_length", 48, "BLIP: longest caption in tokens.", 1, 256),
        Option("interrogate_clip_dict_limit", 1500, "CLIP: lines read per list; 0 = all.", 0),
        Option("interrogate_clip_skip_categories", (), "CLIP: lists left out."),
        Option("interrogate_deepbooru_score_threshold", 0.5, "DeepBooru: lowest score.", 0.0, 1.0),
        Option("deepbooru_sort_alpha", True, "DeepBooru: sort alphabetically."),
        Option("deepbooru_use_spaces", True, "DeepBooru: spaces instead of underscores."),
        Option("deepbooru_escape", True, "DeepBooru: escape brackets."),
        Option("deepbooru_filter_tags", "", "DeepBooru: tags left out, comma-separated."),
    )
)

API: Final = (
    Option(
        "api_enable_requests",
        True,
        "Image fields of the API may be http(s) addresses.",
        honoured=True,
        guard=Guard.FILE,
    ),
    Option(
        "api_forbid_local_requests",
        True,
        "Such addresses must be on the public internet.",
        honoured=True,
        guard=Guard.FILE,
    ),
    Option(
        "api_useragent",
        "",
        "User-Agent of such requests.",
        honoured=True,
        guard=Guard.FILE,
    ),
)

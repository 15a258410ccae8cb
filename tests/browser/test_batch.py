"""The Batch tab in a browser: uploads, a folder with masks, dry run, results, a bad file."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driving import PROMPT, open_page, set_number, write_prompt
from tests.serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def folder(tmp_path: Path, photograph: Path) -> Path:
    """Three pictures, one of them damaged, one with a caption; a mask for one of them."""
    place, masks = tmp_path / "in", tmp_path / "masks"
    place.mkdir()
    masks.mkdir()
    picture = Image.open(photograph).resize((128, 128))
    picture.save(place / "anna.png")
    picture.rotate(90).save(place / "bert.png")
    (place / "bert.txt").write_text("turned on its side")
    (place / "cut.png").write_bytes((place / "anna.png").read_bytes()[:3000])
    mask = Image.new("L", (128, 128))
    mask.paste(255, (32, 32, 96, 96))
    mask.save(masks / "anna.png")
    mask.save(masks / "bert.png")
    return tmp_path


def open_batch(page: Page, server: Server) -> None:
    open_page(page, server)
    write_prompt(page, PROMPT)
    set_number(page, "img2img_steps", 2)
    set_number(page, "img2img_seed", 5)
    page.click("button[role=tab]:has-text('Batch')")
    page.wait_for_selector("#img2img_batch_upload_tab-button, #img2img_batch_source")


def test_uploaded_files_are_shown_before_they_run(page: Page, server: Server, folder: Path) -> None:
    open_batch(page, server)
    files = [folder / "in" / name for name in ("anna.png", "bert.png", "bert.txt", "cut.png")]
    page.set_input_files("#img2img_batch_upload input[type=file]", files)
    expect(page.locator("#img2img_batch_upload")).to_contain_text("bert")
    page.click("text=text files (.txt) beside the pictures")
    page.click("#img2img_batch_check")
    expect(page.locator("#img2img_batch_told")).to_contain_text("3 of 3 files will run")
    table = page.locator("#img2img_batch_table")
    expect(table).to_contain_text(f"{PROMPT}, turned on its side")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_batch_told")).to_contain_text(
        "Batch done: 2 of 3 files, 1 failed", timeout=120_000
    )
    failed = table.locator("tr.op-batch-failed")
    expect(failed).to_contain_text("cut.png")
    expect(failed).to_contain_text("damaged or cut off")
    assert (
        page.locator("#img2img_gallery .op-thumbs img, #img2img_gallery .op-thumbs button").count()
        >= 2
    )
    expect(page.locator("#img2img_generate")).to_be_visible()
    page.reload()
    page.click("button[role=tab]:has-text('Batch')")
    expect(page.locator("#img2img_batch_told")).to_contain_text("Batch done: 2 of 3 files")


def test_a_folder_with_masks_goes_to_the_output_folder(
    page: Page, server: Server, folder: Path
) -> None:
    open_batch(page, server)
    page.click("button[role=tab]:has-text('From directory')")
    for name, value in (
        ("input_dir", "in"),
        ("output_dir", "out"),
        ("inpaint_mask_dir", "masks"),
    ):
        page.fill(
            f"#img2img_batch_{name} textarea, #img2img_batch_{name} input", str(folder / value)
        )
    page.click("#img2img_batch_check")
    told = page.locator("#img2img_batch_told")
    expect(told).to_contain_text("2 of 3 files will run")
    expect(told).to_contain_text("1 skipped")
    expect(page.locator("tr.op-batch-skipped")).to_contain_text("there is no mask named cut.*")
    page.click("#img2img_generate")
    expect(told).to_contain_text("Batch done: 2 of 3 files", timeout=120_000)
    made = sorted(path.name for path in (folder / "out").iterdir())
    assert made == ["00000-anna.png", "00001-bert.png"]


def test_a_folder_that_is_not_there_is_said(page: Page, server: Server) -> None:
    open_batch(page, server)
    page.click("button[role=tab]:has-text('From directory')")
    page.fill("#img2img_batch_input_dir textarea, #img2img_batch_input_dir input", "/nowhere")
    page.click("#img2img_generate")
    expect(page.locator("#img2img_batch_told [role=alert]")).to_contain_text("there is no folder")
    expect(page.locator("#img2img_generate")).to_be_visible()

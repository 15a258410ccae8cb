"""txt2img with hires fix, PNG Info with workflows, VAE and refiner, in a real browser."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from tests.browser.driving import choose_picture, fetch, open_page, set_number
from tests.models.test_load_vae import vae_file
from tests.serving import Server

pytestmark = pytest.mark.browser
DATA = Path(__file__).parents[1] / "data"


def open_text_page(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#tabs button[role=tab]:has-text('txt2img')")
    page.wait_for_selector("#txt2img_generate", state="visible")


def make(page: Page) -> str:
    stage = "#txt2img_gallery .op-stage img"
    before = page.get_attribute(stage, "src")
    page.click("#txt2img_generate")
    page.wait_for_function(
        "([stage, before]) => { const now = document.querySelector(stage)?.getAttribute('src');"
        " return now && now !== before; }",
        arg=[stage, before],
        timeout=180_000,
    )
    page.wait_for_selector("#txt2img_generate", state="visible", timeout=180_000)
    return page.get_attribute(stage, "src") or ""


def test_hires_fix_and_back_from_the_infotext(page: Page, server: Server, tmp_path: Path) -> None:
    open_text_page(page, server)
    page.fill("#txt2img_prompt textarea", "a house")
    for name, value in (("width", 128), ("height", 128), ("steps", 4), ("seed", 7)):
        set_number(page, f"txt2img_{name}", value)
    expect(page.locator("#txt2img_hr_scale")).to_be_hidden()
    page.check("#txt2img_hr input")
    set_number(page, "txt2img_hr_scale", 1.5)
    set_number(page, "txt2img_hires_steps", 3)
    set_number(page, "txt2img_denoising_strength", 0.5)
    expect(page.locator("#txt2img_hr_finalres")).to_contain_text("from 128x128 to 192x192")
    address = make(page)
    picture = fetch(page, address)
    assert picture.size == (192, 192)
    saved = tmp_path / "hires.png"
    saved.write_bytes(page.request.get(server.url.rstrip("/") + address).body())

    open_page(page, server)
    page.click("#tabs button[role=tab]:has-text('PNG Info')")
    choose_picture(page, saved, "pnginfo_image")
    expect(page.locator("#pnginfo_html")).to_contain_text("Hires upscale: 1.5")
    page.click("#pnginfo_send_to_txt2img")
    page.wait_for_selector("#txt2img_generate", state="visible")
    expect(page.locator("#txt2img_hr input")).to_be_checked()
    for name, text in (("hr_scale", "1.5"), ("hires_steps", "3"), ("width", "128"), ("seed", "7")):
        expect(page.locator(f"#txt2img_{name} input[type=number]").first).to_have_value(text)
    assert fetch(page, make(page)).tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("name", "line"),
    [("ksampler", "20"), ("ksampler_advanced", "14")],
)
def test_comfyui_workflows_fill_the_page(
    page: Page, server: Server, photograph: Path, name: str, line: str
) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    page.click("#tabs button[role=tab]:has-text('PNG Info')")
    page.wait_for_selector("#pnginfo_file", state="attached")
    file = DATA / f"comfyui_sd15_image2image_{name}.json"
    with page.expect_file_chooser() as chooser:
        page.click("#pnginfo_file")
    chooser.value.set_files(file)
    expect(page.locator("#pnginfo_html")).to_contain_text(f"20; {line} run")
    page.click("#pnginfo_send_to_img2img")
    page.wait_for_function(
        "document.querySelector('#img2img_prompt textarea').value.startsWith('high quality')"
    )
    expect(page.locator("#img2img_steps_line")).to_contain_text(line)
    expect(page.locator("#img2img_image img")).to_be_visible()


def test_chosen_vae_is_used_and_told(page: Page, server: Server) -> None:
    vae_file(server.folder / "weights" / "VAE" / "half.safetensors", "")
    open_text_page(page, server)
    for name, value in (("width", 128), ("height", 128), ("steps", 2), ("seed", 7)):
        set_number(page, f"txt2img_{name}", value)
    plain = fetch(page, make(page))
    assert "VAE" not in plain.info["parameters"]
    page.click("#refresh_sd_vae")
    page.click("#setting_sd_vae input")
    page.click("[role=option]:has-text('half.safetensors')")
    other = fetch(page, make(page))
    assert "VAE: half.safetensors" in other.info["parameters"]
    assert other.tobytes() != plain.tobytes()
    assert server.get_json("/sdapi/v1/options")["sd_vae"] == "half.safetensors"
    server.post_json("/sdapi/v1/options", {"sd_vae": "Automatic"})


def test_a_picture_dropped_on_a_prompt_puts_its_infotext_there(
    page: Page, server: Server, tmp_path: Path
) -> None:
    text = "a red house\nSteps: 7, Sampler: Euler a, CFG scale: 4, Seed: 5, Size: 256x320"
    info = PngInfo()
    info.add_text("parameters", text)
    file = tmp_path / "made.png"
    Image.new("RGB", (16, 16)).save(file, pnginfo=info)
    open_page(page, server)
    data = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(DROP, ["#img2img_prompt textarea", data])
    expect(page.locator("#img2img_prompt textarea")).to_have_value(text)
    page.click("#img2img_paste")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("a red house")
    expect(page.locator("#img2img_height input[type=number]").first).to_have_value("320")


DROP = """([target, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], "made.png", { type: "image/png" }));
  const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
  document.querySelector(target).dispatchEvent(event);
}"""

"""A plot as one HTML file that works from disk, with its pictures beside it. For any size.

The page loads small pictures first and full ones where one looks closely; nothing comes from
outside, and every text is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import PIL.Image
from PIL.Image import Image

from scripts.plan import Plan

THUMBNAIL = 256
"""Longest side of the small pictures, pixels."""

_STYLE = """
body{margin:0;font:14px system-ui,sans-serif;background:#fff;color:#111}
header{position:sticky;top:0;left:0;background:#fff;padding:8px 12px;border-bottom:1px solid #ccc;
z-index:3;display:flex;gap:16px;align-items:center}
main{padding:0 12px 40px}h2{font-size:16px;margin:16px 0 6px}
table{border-collapse:collapse}th{font-weight:600;padding:4px 8px;text-align:center;
max-width:calc(var(--w)*1px);overflow-wrap:anywhere}
th[scope=row]{position:sticky;left:0;background:#fff;z-index:1;max-width:220px}
td{padding:1px;text-align:center}td img{width:calc(var(--w)*1px);display:block}
td p{width:calc(var(--w)*1px);margin:0;padding:12px;box-sizing:border-box;overflow-wrap:anywhere}
.failed{background:#b00020;color:#fff}.missing{background:#e4e4e4;color:#505050}
"""

_SCRIPT = """
const zoom=document.getElementById('zoom');
const apply=()=>{document.body.style.setProperty('--w',zoom.value);
if(zoom.value>THUMB)for(const i of document.querySelectorAll('img[data-full]'))watch.observe(i)};
const watch=new IntersectionObserver(all=>{for(const e of all)if(e.isIntersecting){
e.target.src=e.target.dataset.full;delete e.target.dataset.full;watch.unobserve(e.target)}});
zoom.addEventListener('input',apply);apply();
"""

Shown = tuple[str, Image | None]
"""The words of a cell that has no picture ("" for one that has), and its picture."""


def write_viewer(
    plan: Plan, page: Path, cell: Callable[[int, int, int], Shown], title: str
) -> None:
    """Write `page` and, in a folder of the same name beside it, its pictures.

    Raises OSError when the disk is full or the folder cannot be written.
    """
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    x, y, z = plan.axes
    tables = []
    for k, heading in enumerate(z.legends):
        rows = []
        for j, row in enumerate(y.legends):
            cells = "".join(_cell(folder, (i, j, k), cell(i, j, k)) for i in range(len(x)))
            rows.append(f'<tr><th scope="row">{html.escape(row)}</th>{cells}</tr>')
        tables.append(_table(heading, x.legends, rows))
    page.write_text(_page(title, tables), encoding="utf-8")


def _cell(folder: Path, place: tuple[int, int, int], shown: Shown) -> str:
    words, image = shown
    if image is None:
        kind = "failed" if words else "missing"
        return f'<td><p class="{kind}">{html.escape(words or "not made")}</p></td>'
    name = "-".join(str(index) for index in place)
    image.convert("RGB").save(folder / f"{name}.jpg", quality=92)
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), PIL.Image.Resampling.LANCZOS)
    small.save(folder / f"{name}-small.jpg", quality=85)
    base = html.escape(folder.name, quote=True)
    return (
        f'<td><a href="{base}/{name}.jpg"><img loading="lazy" alt="cell {name}" '
        f'src="{base}/{name}-small.jpg" data-full="{base}/{name}.jpg"></a></td>'
    )


def _table(heading: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in columns)
    title = f"<h2>{html.escape(heading)}</h2>" if heading else ""
    return f"{title}<table><thead><tr><td></td>{heads}</tr></thead>{''.join(rows)}</table>"


def _page(title: str, tables: Sequence[str]) -> str:
    name = html.escape(title)
    script = _SCRIPT.replace("THUMB", str(THUMBNAIL))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body><header><strong>{name}</strong>"
        '<label>Size <input id="zoom" type="range" min="64" max="1024" value="192"></label>'
        f"</header><main>{''.join(tables)}</main><script>{script}</script></body></html>"
    )

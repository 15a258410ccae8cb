// Picture files: from the clipboard, a drop, another site's or our own address, or made here.

import { encodePng } from "./png.js";

/** The first picture among transferred files, or the picture behind a dragged address; or null. */
export async function fromTransfer(transfer) {
  const file = [...(transfer?.files ?? [])].find((each) => each.type.startsWith("image/"));
  if (file) return file;
  const address = transfer?.getData?.("text/uri-list")?.split("\n")[0];
  if (!address || new URL(address, location.href).origin !== location.origin) return null;
  const blob = await (await fetch(address)).blob();
  return blob.type.startsWith("image/") ? new File([blob], address.split("/").at(-1) || "picture.png", { type: blob.type }) : null;
}

/** A picture of one colour ("#rrggbb"). */
export async function blank(width, height, colour) {
  const value = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < bytes.length; i++) bytes[i] = value[i % 3];
  const blob = await encodePng(bytes, width, height, 3);
  return new File([blob], `blank-${width}x${height}.png`, { type: "image/png" });
}

/** RGBA bytes of an image element or bitmap. */
export function bytesOf(image, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

/** RGBA bytes of a drawing behind an address, or null when it is not of the layer's size. */
export async function drawingBytes(url, { width, height }) {
  const answer = await fetch(url);
  const bitmap = await createImageBitmap(await answer.blob(), { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  return bitmap.width === width && bitmap.height === height ? bytesOf(bitmap, width, height) : null;
}

const LARGEST_PIXELS = 200e6;

/** Whether a PNG says that it is larger than a browser should try; others are small or fail early. */
export async function isHuge(file) {
  const head = new DataView(await file.slice(0, 24).arrayBuffer());
  if (head.byteLength < 24 || head.getUint32(0) !== 0x89504e47) return false;
  return head.getUint32(16) * head.getUint32(20) > LARGEST_PIXELS;
}

// A file -> a picture, upright, transparent pixels white; or an error with the reason that `images.ImageError` gives.
import { makePicture } from "./pixels.js";

const STRIP_PIXELS = 2 ** 22; // a canvas of an older iPhone holds no more than 2 ** 24, and says nothing

const KINDS = [
    ["heic", /^....ftyp(hei|hev|mif1|msf1)/s], ["video", /^....ftyp(?!avi)|^\x1aE\xdf\xa3|^RIFF....AVI /s],
    ["picture", /^(\xff\xd8|\x89PNG|GIF8|RIFF....WEBP|BM|....ftypavi[fs])/s],
];

export function refuse(reason) {
    return Object.assign(new Error(reason), { reason });
}

/** @returns {picture, animated} */
export async function decode(blob, { maxBytes, maxPixels }) {
    if (!blob.size) throw refuse("empty");
    if (blob.size > maxBytes) throw refuse("file_too_large");
    const head = String.fromCharCode(...new Uint8Array(await blob.slice(0, 32).arrayBuffer()));
    const kind = KINDS.find(([, pattern]) => pattern.test(head))?.[0];
    if (kind === "video") throw refuse("video");
    let bitmap;
    try {
        // Not the colours of a profile: the models never saw any.
        bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
    } catch {
        throw refuse(kind === "heic" ? "heic" : kind === "picture" ? "unreadable" : "not_an_image");
    }
    try {
        if (bitmap.width * bitmap.height > maxPixels) throw refuse("too_large");
        return { picture: read(bitmap), animated: await isAnimated(blob) };
    } finally {
        bitmap.close();
    }
}

/** The pixels of an ImageBitmap, read in strips. */
export function read(bitmap) {
    const { width, height } = bitmap, rows = Math.min(height, Math.ceil(STRIP_PIXELS / width));
    const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true, alpha: false });
    const picture = makePicture(width, height, 3);
    context.fillStyle = "#fff";
    for (let top = 0, j = 0; top < height; top += rows) {
        context.fillRect(0, 0, width, rows);
        context.drawImage(bitmap, 0, -top);
        const { data } = context.getImageData(0, 0, width, Math.min(rows, height - top));
        for (let i = 0; i < data.length; i += 4) {
            picture.data[j++] = data[i];
            picture.data[j++] = data[i + 1];
            picture.data[j++] = data[i + 2];
        }
    }
    return picture;
}

async function isAnimated(blob) {
    if (!self.ImageDecoder || !/gif|webp|png|avif/.test(blob.type)) return false;
    try {
        const decoder = new ImageDecoder({ data: await blob.arrayBuffer(), type: blob.type });
        await decoder.tracks.ready;
        const { animated } = decoder.tracks.selectedTrack;
        decoder.close();
        return animated;
    } catch {
        return false;
    }
}

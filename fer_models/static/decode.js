// A file -> a picture, upright, transparent pixels white; or an error with the reason that `images.ImageError` gives.
import { makePicture } from "./pixels.js";
import { numbers as N } from "./settings.js";

const STRIP_PIXELS = 2 ** 22; // a canvas of an older iPhone holds no more than 2 ** 24, and says nothing

// What a file is, by how it begins, as the reason to give where the browser cannot read it.
const KINDS = [
    ["heic", /^....ftyp(hei|hev|mif1|msf1)/s], ["video", /^....ftyp(?!avi)|^\x1aE\xdf\xa3|^RIFF....AVI /s],
    ["unreadable", /^(\xff\xd8|\x89PNG|GIF8|RIFF....WEBP|BM|....ftypavi[fs])/s], ["not_an_image", /^/],
];

export const refuse = (reason, message = reason) => Object.assign(new Error(message), { reason });

/** @returns {picture, animated} */
export async function decode(blob) {
    if (!blob.size) throw refuse("empty");
    if (blob.size > N.MAX_FILE_MB * 1024 ** 2) throw refuse("file_too_large");
    const start = new DataView(await blob.slice(0, 32).arrayBuffer());
    const head = String.fromCharCode(...new Uint8Array(start.buffer));
    // A PNG of some kilobytes can hold hundreds of megapixels: its size stands at its beginning.
    const isLargePng = /^\x89PNG.{20}/s.test(head) && start.getUint32(16) * start.getUint32(20) > N.MAX_PIXELS;
    const [kind] = KINDS.find(([, pattern]) => pattern.test(head));
    if (kind === "video") throw refuse(kind);
    if (isLargePng) throw refuse("too_large");
    // Not the colours of a profile: the models never saw any.
    const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
    const bitmap = await createImageBitmap(blob, options).catch(() => Promise.reject(refuse(kind)));
    try {
        if (bitmap.width * bitmap.height > N.MAX_PIXELS) throw refuse("too_large");
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
            for (let c = 0; c < 3; c++) picture.data[j++] = data[i + c];
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

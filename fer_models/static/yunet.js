// YuNet, decoded as OpenCV's FaceDetectorYN does it.
import { overlap } from "./search.js";
import { numbers as N } from "./settings.js";

const DIVISOR = 32;
const NMS_OVERLAP = 0.3;

/** RGB -> the model's input, BGR in [0, 255], (3, H, W); black at the right and bottom up to the least and to whole strides. */
export function makeInput(picture) {
    const [width, height] = [picture.width, picture.height].map((size) => Math.ceil(Math.max(size, N.MIN_INPUT_SIDE) / DIVISOR) * DIVISOR);
    const area = width * height, values = new Float32Array(3 * area);
    for (let y = 0, i = 0; y < picture.height; y++) {
        for (let x = 0, j = y * width; x < picture.width; x++, j++, i += 3) {
            for (let c = 0; c < 3; c++) values[c * area + j] = picture.data[i + 2 - c];
        }
    }
    return { values, width, height };
}

/** The model's outputs, by name, as flat arrays -> faces, in pixels of the input. */
export function decode(outputs, { width, height }) {
    const faces = [];
    for (const stride of [8, 16, 32]) {
        const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((name) => outputs[`${name}_${stride}`]);
        const columns = width / stride;
        for (let i = 0; i < columns * (height / stride); i++) {
            const score = Math.fround(Math.sqrt(Math.min(Math.max(cls[i], 0), 1) * Math.min(Math.max(obj[i], 0), 1)));
            if (score < N.WEAK_SCORE) continue;
            const column = i % columns, row = Math.floor(i / columns);
            const place = (x, y) => [(column + x) * stride, (row + y) * stride];
            const [x, y, w, h] = bbox.subarray(4 * i), dx = Math.exp(w) / 2, dy = Math.exp(h) / 2;
            const box = [...place(x - dx, y - dy), ...place(x + dx, y + dy)];
            const points = Array.from({ length: 5 }, (_, n) => place(...kps.subarray(10 * i + 2 * n, 10 * i + 2 * n + 2)));
            faces.push({ box, whole: box, score, second: null, points, turned: 0, tiled: false });
        }
    }
    return suppress(faces);
}

// Of boxes that overlap the surest one; OpenCV compares them in whole pixels.
function suppress(faces) {
    const kept = [];
    for (const face of faces.sort((a, b) => b.score - a.score)) {
        if (kept.every((other) => shareOf(truncate(face.box), truncate(other.box)) <= NMS_OVERLAP)) kept.push(face);
    }
    return kept;
}

function truncate([x0, y0, x1, y1]) {
    const [left, top, width, height] = [x0, y0, x1 - x0, y1 - y0].map(Math.trunc);
    return [left, top, left + width, top + height];
}

function shareOf(a, b) {
    const shared = overlap(a, b);
    return shared / (overlap(a, a) + overlap(b, b) - shared);
}

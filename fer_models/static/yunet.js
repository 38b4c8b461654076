// YuNet, decoded as OpenCV's FaceDetectorYN does it.

const STRIDES = [8, 16, 32];
const DIVISOR = 32;
const NMS_OVERLAP = 0.3;

/** RGB -> the model's input, BGR in [0, 255], (3, H, W); black at the right and bottom up to `minSide` and to whole strides. */
export function makeInput(picture, minSide) {
    const pad = (size) => Math.ceil(Math.max(size, minSide) / DIVISOR) * DIVISOR;
    const width = pad(picture.width), height = pad(picture.height), area = width * height;
    const values = new Float32Array(3 * area);
    for (let y = 0, i = 0; y < picture.height; y++) {
        for (let x = 0, j = y * width; x < picture.width; x++, j++, i += 3) {
            values[j] = picture.data[i + 2];
            values[area + j] = picture.data[i + 1];
            values[2 * area + j] = picture.data[i];
        }
    }
    return { values, width, height };
}

/** The model's outputs, by name, as flat arrays -> rows {box: left, top, width, height; points: five [x, y]; score}. */
export function decode(outputs, width, height, threshold) {
    const rows = [];
    for (const stride of STRIDES) {
        const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((name) => outputs[`${name}_${stride}`]);
        const columns = width / stride;
        for (let i = 0; i < columns * (height / stride); i++) {
            const score = Math.sqrt(Math.min(Math.max(cls[i], 0), 1) * Math.min(Math.max(obj[i], 0), 1));
            if (score < threshold) continue;
            const column = i % columns, row = Math.floor(i / columns);
            const w = Math.exp(bbox[4 * i + 2]) * stride, h = Math.exp(bbox[4 * i + 3]) * stride;
            const left = (column + bbox[4 * i]) * stride - w / 2, top = (row + bbox[4 * i + 1]) * stride - h / 2;
            const points = Array.from({ length: 5 }, (_, n) => [
                (kps[10 * i + 2 * n] + column) * stride, (kps[10 * i + 2 * n + 1] + row) * stride,
            ]);
            rows.push({ box: [left, top, w, h].map(Math.fround), points, score: Math.fround(score) });
        }
    }
    return rows.length > 1 ? suppress(rows, threshold) : rows;
}

// Of boxes that overlap the surest one; OpenCV compares them in whole pixels.
function suppress(rows, threshold) {
    const kept = [];
    for (const row of rows.filter((row) => row.score > threshold).sort((a, b) => b.score - a.score)) {
        if (kept.every((other) => overlap(row.box.map(Math.trunc), other.box.map(Math.trunc)) <= NMS_OVERLAP)) kept.push(row);
    }
    return kept;
}

function overlap(a, b) {
    const areas = a[2] * a[3] + b[2] * b[3];
    if (areas <= 0) return 1;
    const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
    const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
    const shared = Math.max(0, width) * Math.max(0, height);
    return shared / (areas - shared);
}

// What about a picture of a face may explain a bad answer: the rules of `fer_models/quality.py`, which come from there.
import { cropBox } from "./faces.js";
import { cutReflected, reduceCrop } from "./pixels.js";
import { asideOf, certaintyOf, overlap, tiltOf } from "./search.js";
import { implied, numbers as N, rules } from "./settings.js";

/** Hints as the answer has them: {id, value, limit}. */
export function breakRules(qualities) {
    const hints = rules
        .filter(({ quality, limit, is_floor }) => (is_floor ? qualities[quality] <= limit : qualities[quality] >= limit))
        .map(({ id, quality, limit }) => ({ id, value: qualities[quality], limit }));
    const others = hints.map(({ id }) => implied[id]);
    return hints.filter(({ id }) => !others.includes(id));
}

/** Of a picture that is taken for a face as a whole, what the detector makes of it. */
export async function findWholeHints(picture, detect) {
    const small = reduceCrop(picture, N.CROP_SIDE_MIN);
    const dx = N.WHOLE_MARGIN * small.width, dy = N.WHOLE_MARGIN * small.height;
    const wide = cutReflected(small, [-dx, -dy, small.width + dx, small.height + dy]);
    const scores = (await detect(wide, { turned: false, tiled: false })).map(certaintyOf);
    return scores.length ? breakRules({ score: Math.max(...scores) }) : [{ id: "no_face", value: 0, limit: 0 }];
}

/** What hints are given by. grey: what the models see, in [0, 1]; crop: what it was made of. */
export function measureQuality(picture, face, crop, grey) {
    const side = Math.sqrt(grey.length), laplacian = [];
    for (let y = 1; y < side - 1; y++) {
        for (let x = 1; x < side - 1; x++) {
            const i = y * side + x;
            laplacian.push(grey[i - side] + grey[i + side] + grey[i - 1] + grey[i + 1] - 4 * grey[i]);
        }
    }
    const [mean, variance] = describe(grey);
    const qualities = {
        brightness: mean,
        contrast: Math.sqrt(variance) / Math.max(mean, 1 / 255),
        sharpness: describe(laplacian)[1] / Math.max(variance, (0.5 / 255) ** 2),
        side: Math.min(crop.width, crop.height),
    };
    if (!face) return qualities;
    const box = cropBox(face), inside = overlap(box, [0, 0, picture.width, picture.height]) / overlap(box, box);
    return { ...qualities, cut: 1 - inside, score: certaintyOf(face), turn: asideOf(face), tilt: Math.abs(tiltOf(face)) };
}

function describe(values) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
}

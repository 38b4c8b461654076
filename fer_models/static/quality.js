// What about a picture of a face may explain a bad answer: the rules of `fer_models/quality.py`, which come from there.
import { cropBox } from "./faces.js";
import { asideOf, certaintyOf, tiltOf } from "./search.js";
import { cutReflected, reduceCrop } from "./pixels.js";

/** Hints as the answer has them: {id, value, limit}. grey: what the models see, in [0, 1]; crop: what it was made of. */
export function findHints(picture, face, crop, grey, settings) {
    const qualities = measureQuality(picture, face, crop, grey, settings);
    const hints = settings.rules
        .filter(({ quality, limit, isFloor }) => quality in qualities && (isFloor ? qualities[quality] <= limit : qualities[quality] >= limit))
        .map(({ id, quality, limit }) => ({ id, value: qualities[quality], limit }));
    const implied = hints.map(({ id }) => settings.implied[id]);
    return hints.filter(({ id }) => !implied.includes(id));
}

/** The same where the whole picture is taken for a face: with what the detector makes of it. */
export async function findWholeHints(picture, grey, detect, settings) {
    const small = reduceCrop(picture, settings.cropSideMin);
    const dx = settings.wholeMargin * small.width, dy = settings.wholeMargin * small.height;
    const wide = cutReflected(small, [-dx, -dy, small.width + dx, small.height + dy]);
    const scores = (await detect(wide, { turned: false, tiled: false })).map(certaintyOf);
    const hints = findHints(picture, null, picture, grey, settings);
    if (!scores.length) return [{ id: "no_face", value: 0, limit: 0 }, ...hints];
    return [...findScoreHints(Math.max(...scores), settings), ...hints];
}

export function findScoreHints(certainty, settings) {
    const { limit } = settings.rules.find(({ id }) => id === "doubtful");
    return certainty <= limit ? [{ id: "doubtful", value: certainty, limit }] : [];
}

function measureQuality(picture, face, crop, grey, settings) {
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
    const [x0, y0, x1, y1] = cropBox(face, settings);
    const width = Math.min(x1, picture.width) - Math.max(x0, 0), height = Math.min(y1, picture.height) - Math.max(y0, 0);
    qualities.cut = 1 - (Math.max(0, width) * Math.max(0, height)) / ((x1 - x0) * (y1 - y0));
    qualities.score = certaintyOf(face);
    if (face.points) {
        qualities.turn = asideOf(face);
        qualities.tilt = Math.abs(tiltOf(face) || 0);
    }
    return qualities;
}

function describe(values) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
}

// Finding faces in a picture, and cutting them out as FER2013's were: the rules of `fer_models/faces.py`, by the same
// names, where their reasons are. The numbers come from there too, in `settings`.
import { cut, resize, rotate } from "./pixels.js";
import { areaOf, heightOf, round, search } from "./search.js";
import { decode, makeInput } from "./yunet.js";

/** @param run an asynchronous function: {values, width, height} -> the model's outputs, by name. */
export function makeDetector(run, settings) {
    async function detectAt(picture, side) {
        const scale = side / Math.max(picture.width, picture.height);
        const width = Math.max(1, round(picture.width * scale)), height = Math.max(1, round(picture.height * scale));
        const input = makeInput(resize(picture, width, height, undefined, 2), settings.minInputSide);
        const rows = decode(await run(input), input.width, input.height, settings.weakScore);
        const toX = picture.width / width, toY = picture.height / height;
        return rows.map(({ box: [x, y, w, h], points, score }) => ({
            box: [x * toX, y * toY, (x + w) * toX, (y + h) * toY],
            score: Math.min(score, 1),
            points: points.map(([u, v]) => [u * toX, v * toY]),
            turned: 0, tiled: false, whole: null, second: null,
        }));
    }

    async function scan(picture) {
        const faces = await detectAt(picture, settings.coarseSide);
        const longer = Math.max(picture.width, picture.height);
        if (longer > settings.coarseSide) {
            const side = Math.min(longer, settings.fineSide);
            const limit = (settings.fineFaceMax * longer) / side;
            faces.push(...(await detectAt(picture, side)).filter((face) => heightOf(face) <= limit));
        }
        return faces.filter((face) => heightOf(face) >= settings.minFaceSide);
    }

    const detector = { ...settings, scan, look: (picture) => detectAt(picture, Math.max(picture.width, picture.height)) };

    /** The faces, largest first. */
    return async function detect(picture, options) {
        const faces = await search(detector, picture, options);
        return faces
            .filter((face) => heightOf(face) >= settings.minFaceSide)
            .sort((a, b) => areaOf(b) - areaOf(a) || a.box[0] - b.box[0] || a.box[1] - b.box[1]);
    };
}

/** The square around a face that FER2013's frame would be; may reach beyond the picture. */
export function cropBox(face, settings) {
    const [left, top, right, bottom] = face.whole ?? face.box;
    const side = Math.max(1, round(settings.cropSide * heightOf(face)));
    const x = round((left + right - side) / 2), y = round((top + bottom - side) / 2);
    return [x, y, x + side, y + side];
}

/** The face, upright. */
export function cropFace(picture, face, settings) {
    const box = cropBox(face, settings);
    if (!face.turned) return cut(picture, box);
    const side = box[2] - box[0];
    const margin = face.turned % 90 === 0 ? 0 : Math.ceil((side * (Math.SQRT2 - 1)) / 2);
    const wide = cut(picture, [box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin]);
    return cut(rotate(wide, face.turned, true), [margin, margin, margin + side, margin + side]);
}

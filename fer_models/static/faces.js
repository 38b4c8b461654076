// Finding faces in a picture, and cutting them out as FER2013's were: the rules of `fer_models/faces.py`, by the same
// names, where their reasons are.
import { cut, resize, rotate } from "./pixels.js";
import { areaOf, heightOf, round, scaled, search } from "./search.js";
import { numbers as N } from "./settings.js";
import { decode, makeInput } from "./yunet.js";

const longerSide = ({ width, height }) => Math.max(width, height);

/** @param run an asynchronous function: {values, width, height} -> the model's outputs, by name.
 *  @returns another one: a picture -> its faces, largest first. */
export function makeDetector(run) {
    async function detectAt(picture, side) {
        const scale = side / longerSide(picture);
        const [width, height] = [picture.width, picture.height].map((size) => Math.max(1, round(size * scale)));
        const input = makeInput(resize(picture, width, height, undefined, 2));
        return decode(await run(input), input).map((face) => scaled(face, picture.width / width, picture.height / height));
    }

    async function scan(picture) {
        const faces = await detectAt(picture, N.COARSE_SIDE), longer = longerSide(picture);
        if (longer > N.COARSE_SIDE) {
            const side = Math.min(longer, N.FINE_SIDE), limit = (N.FINE_FACE_MAX * longer) / side;
            faces.push(...(await detectAt(picture, side)).filter((face) => heightOf(face) <= limit));
        }
        return faces.filter((face) => heightOf(face) >= N.MIN_FACE_SIDE);
    }

    return async (picture, options) => {
        const faces = await search({ scan, look: (part) => detectAt(part, longerSide(part)) }, picture, options);
        return faces
            .filter((face) => heightOf(face) >= N.MIN_FACE_SIDE)
            .sort((a, b) => areaOf(b) - areaOf(a) || a.box[0] - b.box[0] || a.box[1] - b.box[1]);
    };
}

/** The square around a face that FER2013's frame would be; may reach beyond the picture. */
export function cropBox(face) {
    const [left, top, right, bottom] = face.whole;
    const side = Math.max(1, round(N.CROP_SIDE * heightOf(face)));
    const x = round((left + right - side) / 2), y = round((top + bottom - side) / 2);
    return [x, y, x + side, y + side];
}

/** The face, upright. */
export function cropFace(picture, face) {
    const [left, top, right, bottom] = cropBox(face), side = right - left;
    if (!face.turned) return cut(picture, [left, top, right, bottom]);
    const margin = face.turned % 90 === 0 ? 0 : Math.ceil((side * (Math.SQRT2 - 1)) / 2);
    const wide = cut(picture, [left - margin, top - margin, right + margin, bottom + margin]);
    return cut(rotate(wide, face.turned, true), [margin, margin, margin + side, margin + side]);
}

// What a face in a picture is, and how to find those that one look misses: the rules of `fer_models/face_search.py`, by
// the same names, where their reasons are. A face: {box, whole, score, second, points, turned, tiled}.
import { clipBox, cut, cutReflected, makePicture, mod, reduce, resize, rotate, rotateQuarter, roundOutwards } from "./pixels.js";
import { numbers as N } from "./settings.js";

const ALL_TURNS = Array.from({ length: 360 / N.STEP_DEGREES }, (_, i) => i * N.STEP_DEGREES);

/** To the nearest whole number, of two the even one, as Python does it. */
export function round(x) {
    const low = Math.floor(x), rest = x - low;
    return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 ? low + 1 : low;
}

const radians = (degrees) => (degrees * Math.PI) / 180;
const wrap = (degrees) => 180 - mod(180 - degrees, 360);
export const certaintyOf = ({ second, score }) => second ?? score;
export const heightOf = ({ whole }) => whole[3] - whole[1];
export const areaOf = ({ whole }) => (whole[2] - whole[0]) * (whole[3] - whole[1]);
const centreOf = ({ whole }) => [(whole[0] + whole[2]) / 2, (whole[1] + whole[3]) / 2];

/** How far the line of the eyes still falls to the right after turning, in degrees. */
export function tiltOf({ points: [[x0, y0], [x1, y1]], turned }) {
    return wrap((Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI - turned);
}

/** How far the nose lies beside the middle of the eyes, in their distance. */
export function asideOf({ points: [[x0, y0], [x1, y1], [x, y]] }) {
    const dx = x1 - x0, dy = y1 - y0, distance = Math.max(Math.hypot(dx, dy), 1e-6);
    return Math.abs(((x - (x0 + x1) / 2) * dx + (y - (y0 + y1) / 2) * dy) / distance ** 2);
}

/** The faces of a picture, in no order. detector: {scan, look}, which are asynchronous. */
export async function search(detector, picture, { turned = true, tiled = true } = {}) {
    const possible = await detector.scan(picture);
    let faces = dropDuplicates(possible.filter((face) => face.score >= N.FOUND_SCORE));
    if (tiled && Math.max(picture.width, picture.height) > N.FINE_SIDE) {
        faces = await add(faces, await findInTiles(detector, picture), detector, picture);
    }
    const weak = possible.filter((face) => face.score < N.FOUND_SCORE && isAtEdge(face, picture));
    faces = await add(faces, await lookCloser(detector, picture, weak, [0]), detector, picture);
    if (turned) {
        faces.sort((a, b) => areaOf(b) - areaOf(a));
        for (const [i, face] of faces.slice(0, N.MAX_STRAIGHTENED).entries()) faces[i] = await straighten(detector, picture, face);
        if (!faces.length) faces = await findTurned(detector, picture, possible);
    }
    const clipped = faces.map((face) => ({ ...face, box: clipBox(picture, face.box) }));
    return clipped.filter(({ box: [left, top, right, bottom] }) => left < right && top < bottom);
}

function dropDuplicates(faces) {
    const kept = [];
    for (const face of [...faces].sort((a, b) => b.score - a.score)) {
        if (!isAmong(kept, face)) kept.push(face);
    }
    return kept;
}

// Whether a face shares so much with one of these, of the smaller of the two, that they are the same.
function isAmong(faces, face) {
    return faces.some((other) => overlap(face.whole, other.whole) / Math.min(areaOf(face), areaOf(other)) > N.SAME_FACE_OVERLAP);
}

async function add(faces, more, detector, picture) {
    const added = [...faces];
    for (const one of dropDuplicates(more)) {
        const checked = isAmong(faces, one) ? null : await confirm(detector, picture, one);
        if (checked) added.push(checked);
    }
    return added;
}

async function confirm(detector, picture, face) {
    if (face.score > N.SURE_SCORE) return face;
    const seen = await lookAt(detector, picture, face, face.turned, N.LEVEL_VIEW_SIDE, N.LEVEL_VIEW_HEIGHTS);
    return seen?.score >= N.SECOND_SCORE ? { ...face, second: seen.score } : null;
}

async function findInTiles(detector, picture) {
    const scale = Math.max(1, Math.sqrt((picture.width * picture.height) / N.TILE_PIXELS));
    const [columns, rows] = [picture.width, picture.height].map((length) => divide(length, N.FINE_SIDE * scale, N.TILE_OVERLAP * scale));
    const found = [];
    if (columns.length * rows.length > N.MAX_TILES) return found;
    for (const [top, bottom] of rows) {
        for (const [left, right] of columns) {
            const box = [left, top, right, bottom];
            const tile = resize(picture, round((right - left) / scale), round((bottom - top) / scale), box, 2);
            const faces = (await detector.look(tile)).filter((face) => face.score >= N.FOUND_SCORE && heightOf(face) <= N.TILE_FACE_MAX);
            found.push(...faces.map((face) => ({ ...move(scaled(face, scale), left, top), tiled: true })));
        }
    }
    return found;
}

function divide(length, longest, shared) {
    const count = Math.max(1, Math.ceil((length - shared) / (longest - shared))), step = (length - shared) / count;
    return Array.from({ length: count }, (_, i) => [i * step, length - (count - 1 - i) * step]);
}

async function findTurned(detector, picture, possible) {
    const all = [...possible];
    for (const quarter of [1, 2, 3]) {
        const turned = rotateQuarter(picture, quarter);
        const view = { centre: middleOf(picture), middle: middleOf(turned), angle: 90 * quarter, scale: 1 };
        for (const face of await detector.scan(turned)) all.push(toPicture(view, face));
    }
    const found = [];
    for (const face of await lookCloser(detector, picture, all, ALL_TURNS)) found.push(await level(detector, picture, face));
    return dropDuplicates(found.filter((face) => face.score >= N.SECOND_SCORE));
}

async function straighten(detector, picture, face) {
    const isDoubtful = face.score <= (asideOf(face) >= N.NOSE_ASIDE ? N.UPRIGHT_SCORE : N.SURE_SCORE);
    if (!isDoubtful && Math.abs(tiltOf(face)) < N.HINT_DEGREES) return face;
    const seen = await lookAt(detector, picture, face, 0, isDoubtful ? N.LEVEL_VIEW_SIDE : N.HINT_VIEW_SIDE, N.LEVEL_VIEW_HEIGHTS);
    const score = isDoubtful ? (seen?.score ?? 0) : 0;
    const asItIs = isDoubtful ? { ...face, second: score } : face;
    let start = face;
    if (isDoubtful && score <= N.UPRIGHT_SCORE) {
        start = (await lookCloser(detector, picture, [face], ALL_TURNS))[0] ?? face;
    } else if (!seen || Math.abs(tiltOf(seen)) < N.HINT_VIEW_DEGREES) {
        return asItIs;
    }
    const turned = await level(detector, picture, start);
    return turned.turned && turned.score >= Math.max(N.SECOND_SCORE, score) ? { ...turned, tiled: face.tiled } : asItIs;
}

async function lookCloser(detector, picture, possible, angles) {
    const columns = angles.length > 1 ? Math.ceil(Math.sqrt(angles.length / 2)) * 2 : 1;
    const rows = Math.ceil(angles.length / columns), side = N.STEP_VIEW_SIDE;
    const found = [];
    for (const face of dropDuplicates(possible).slice(0, N.MAX_CLOSER)) {
        const sheet = makePicture(columns * side, rows * side, 3);
        const views = angles.map((angle) => viewAround(face, angle, side, N.STEP_VIEW_HEIGHTS));
        views.forEach((view, i) => paste(sheet, cutView(view, picture), (i % columns) * side, Math.floor(i / columns) * side));
        const seen = (await detector.look(sheet)).flatMap((one) => {
            const [column, row] = centreOf(one).map((x) => Math.floor(x / side));
            const view = views[row * columns + column], local = move(one, -column * side, -row * side);
            return view && isCentral(view, local) ? [toPicture(view, local)] : [];
        });
        const best = surest(seen);
        if (best?.score >= N.FOUND_SCORE) found.push(best);
    }
    return found;
}

async function level(detector, picture, face) {
    const look = (from, angle) => lookAt(detector, picture, from, angle, N.LEVEL_VIEW_SIDE, N.LEVEL_VIEW_HEIGHTS);
    const first = await look(face, face.turned);
    if (!first) return face;
    const second = (await look(first, wrap(face.turned + tiltOf(first)))) ?? first;
    let angle = wrap(second.turned + tiltOf(second));
    const quarter = 90 * round(angle / 90);
    if (Math.abs(angle - quarter) < N.LEVEL_FROM_DEGREES) angle = wrap(quarter);
    return (await look(second, angle)) ?? second;
}

async function lookAt(detector, picture, face, angle, side, heights) {
    const view = viewAround(face, angle, side, heights);
    const seen = await detector.look(cutView(view, picture));
    return surest(seen.filter((one) => isCentral(view, one)).map((one) => toPicture(view, one)));
}

const surest = (faces) => faces.reduce((a, b) => (a?.score >= b.score ? a : b), null);
const middleOf = ({ width, height }) => [width / 2, height / 2];

// A square part of a picture, turned around its centre, as `face_search.View`.
function viewAround(face, angle, side, heights) {
    return { centre: centreOf(face), middle: [side / 2, side / 2], angle, side, scale: (Math.max(heightOf(face), 1) * heights) / side };
}

function cutView({ centre: [x, y], angle, side, scale }, picture) {
    const wide = angle % 90 === 0 ? side : Math.ceil(side * Math.SQRT2);
    const half = (scale * wide) / 2;
    let box = [x - half, y - half, x + half, y + half], part;
    if (scale >= 4) {
        [picture, box] = reduceInside(picture, box, Math.trunc(scale / 2));
        part = box.map((edge, i) => edge - Math.floor(box[i % 2]));
    }
    const view = rotate(resize(cutReflected(picture, box), wide, wide, part, 2), angle);
    const margin = Math.floor((wide - side) / 2);
    return cut(view, [margin, margin, margin + side, margin + side]);
}

function reduceInside(picture, box, factor) {
    const inside = clipBox(picture, roundOutwards(picture, box));
    return [reduce(picture, factor, factor, inside), box.map((edge, i) => (edge - inside[i % 2]) / factor)];
}

function isCentral({ side, middle: [x, y] }, seen) {
    const [u, v] = centreOf(seen);
    return Math.hypot(u - x, v - y) <= N.CENTRE_FRACTION * side;
}

// A face that was found in a view, in the picture's pixels.
function toPicture({ centre, middle, angle, scale }, seen) {
    const cos = Math.cos(radians(angle)), sin = Math.sin(radians(angle));
    const map = (point) => {
        const [x, y] = point.map((value, i) => scale * (value - middle[i]));
        return [centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos];
    };
    const [x, y] = map(centreOf(seen)), [dx, dy] = [0, 1].map((i) => (scale * (seen.whole[i + 2] - seen.whole[i])) / 2);
    const wide = dx * Math.abs(cos) + dy * Math.abs(sin), high = dx * Math.abs(sin) + dy * Math.abs(cos);
    return {
        box: [x - wide, y - high, x + wide, y + high], whole: [x - dx, y - dy, x + dx, y + dy],
        score: seen.score, second: null, points: seen.points.map(map), turned: wrap(angle), tiled: false,
    };
}

function mapFace(face, map) {
    const mapBox = (box) => [...map(box.slice(0, 2)), ...map(box.slice(2))];
    return { ...face, box: mapBox(face.box), whole: mapBox(face.whole), points: face.points.map(map) };
}
const move = (face, dx, dy) => mapFace(face, ([x, y]) => [x + dx, y + dy]);
export const scaled = (face, toX, toY = toX) => mapFace(face, ([x, y]) => [toX * x, toY * y]);

function paste(sheet, view, left, top) {
    for (let y = 0; y < view.height; y++) {
        sheet.data.set(view.data.subarray(3 * y * view.width, 3 * (y + 1) * view.width), 3 * ((top + y) * sheet.width + left));
    }
}

function isAtEdge(face, picture) {
    const [left, top, right, bottom] = face.box;
    return Math.min(left, top, picture.width - right, picture.height - bottom) < N.EDGE_FRACTION * heightOf(face);
}

/** How many pixels two boxes share. */
export function overlap([x0, y0, x1, y1], [u0, v0, u1, v1]) {
    return Math.max(0, Math.min(x1, u1) - Math.max(x0, u0)) * Math.max(0, Math.min(y1, v1) - Math.max(y0, v0));
}

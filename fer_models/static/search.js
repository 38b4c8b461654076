// What a face in a picture is, and how to find those that one look misses: the rules of `fer_models/face_search.py`, by
// the same names, where their reasons are. A face: {box, score, points, turned, tiled, whole, second}.
import { cut, cutReflected, makePicture, reduce, resize, rotate, rotateQuarter, roundOutwards } from "./pixels.js";

const SAME_FACE_OVERLAP = 0.4;
const STEP_DEGREES = 45, STEP_VIEW_SIDE = 128, STEP_VIEW_HEIGHTS = 1.6;
const LEVEL_VIEW_SIDE = 320, LEVEL_VIEW_HEIGHTS = 1.3;
const HINT_VIEW_SIDE = 192, HINT_DEGREES = 3, HINT_VIEW_DEGREES = 8;
const NOSE_ASIDE = 0.4;
const LEVEL_FROM_DEGREES = 20;
const CENTRE_FRACTION = 0.2;
const MAX_CLOSER = 6, MAX_STRAIGHTENED = 12;
const EDGE_FRACTION = 0.25;
const TILE_OVERLAP = 96;
const ALL_TURNS = Array.from({ length: 360 / STEP_DEGREES }, (_, i) => i * STEP_DEGREES);

/** To the nearest whole number, of two the even one, as Python does it. */
export function round(x) {
    const low = Math.floor(x), rest = x - low;
    return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 ? low + 1 : low;
}

const radians = (degrees) => (degrees * Math.PI) / 180;
const mod = (a, b) => ((a % b) + b) % b;
const wrap = (degrees) => 180 - mod(180 - degrees, 360);
const wholeOf = (face) => face.whole ?? face.box;
export const certaintyOf = (face) => face.second ?? face.score;
export const heightOf = (face) => wholeOf(face)[3] - wholeOf(face)[1];
export const areaOf = (face) => (wholeOf(face)[2] - wholeOf(face)[0]) * heightOf(face);
const centreOf = (face) => [(wholeOf(face)[0] + wholeOf(face)[2]) / 2, (wholeOf(face)[1] + wholeOf(face)[3]) / 2];

/** How far the line of the eyes still falls to the right after turning, in degrees; null without points. */
export function tiltOf(face) {
    if (!face.points) return null;
    const [[x0, y0], [x1, y1]] = face.points;
    return wrap((Math.atan2(y1 - y0, x1 - x0) * 180) / Math.PI - face.turned);
}

/** How far the nose lies beside the middle of the eyes, in their distance; null without points. */
export function asideOf(face) {
    if (!face.points) return null;
    const [[x0, y0], [x1, y1], [x, y]] = face.points;
    const dx = x1 - x0, dy = y1 - y0, distance = Math.max(Math.hypot(dx, dy), 1e-6);
    return Math.abs(((x - (x0 + x1) / 2) * dx + (y - (y0 + y1) / 2) * dy) / distance ** 2);
}

/** The faces of a picture, in no order. detector: `settings.faces` with `scan` and `look`, which are asynchronous. */
export async function search(detector, picture, { turned = true, tiled = true } = {}) {
    const possible = await detector.scan(picture);
    let faces = dropDuplicates(possible.filter((face) => face.score >= detector.foundScore));
    if (tiled && Math.max(picture.width, picture.height) > detector.fineSide) {
        faces = await add(faces, await findInTiles(detector, picture), detector, picture);
    }
    const weak = possible.filter((face) => face.score < detector.foundScore && isAtEdge(face, picture));
    faces = await add(faces, await lookCloser(detector, picture, weak, [0]), detector, picture);
    if (turned) {
        faces.sort((a, b) => areaOf(b) - areaOf(a));
        const closer = [];
        for (const face of faces.slice(0, MAX_STRAIGHTENED)) closer.push(await straighten(detector, picture, face));
        faces = [...closer, ...faces.slice(MAX_STRAIGHTENED)];
        if (!faces.length) faces = await findTurned(detector, picture, possible);
    }
    return faces.map((face) => clip(face, picture)).filter(Boolean);
}

function dropDuplicates(faces) {
    const kept = [];
    for (const face of [...faces].sort((a, b) => b.score - a.score)) {
        if (kept.every((other) => overlap(face, other) <= SAME_FACE_OVERLAP)) kept.push(face);
    }
    return kept;
}

async function add(faces, more, detector, picture) {
    const added = [...faces];
    for (const one of dropDuplicates(more)) {
        if (faces.some((face) => overlap(one, face) > SAME_FACE_OVERLAP)) continue;
        const checked = await confirm(detector, picture, one);
        if (checked) added.push(checked);
    }
    return added;
}

async function confirm(detector, picture, face) {
    if (face.score > detector.sureScore) return face;
    const seen = await lookAt(detector, picture, face, face.turned, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS);
    return seen && seen.score >= detector.secondScore ? { ...face, second: seen.score } : null;
}

async function findInTiles(detector, picture) {
    const scale = Math.max(1, Math.sqrt((picture.width * picture.height) / detector.tilePixels));
    const [columns, rows] = [picture.width, picture.height].map((length) => divide(length, detector.fineSide * scale, TILE_OVERLAP * scale));
    const found = [];
    for (const [top, bottom] of rows) {
        for (const [left, right] of columns) {
            const box = [left, top, right, bottom];
            const tile = resize(picture, round((right - left) / scale), round((bottom - top) / scale), box, 2);
            for (const face of await detector.look(tile)) {
                if (face.score >= detector.foundScore && heightOf(face) <= detector.tileFaceMax) {
                    found.push({ ...move(scaled(face, scale), left, top), tiled: true });
                }
            }
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
        for (const face of await detector.scan(turned)) all.push(turnBack(face, 90 * quarter, turned, picture));
    }
    const found = [];
    for (const face of await lookCloser(detector, picture, all, ALL_TURNS)) found.push(await level(detector, picture, face));
    return dropDuplicates(found.filter((face) => face.score >= detector.secondScore));
}

async function straighten(detector, picture, face) {
    const isDoubtful = face.score <= ((asideOf(face) || 0) >= NOSE_ASIDE ? detector.uprightScore : detector.sureScore);
    if (!isDoubtful && Math.abs(tiltOf(face) || 0) < HINT_DEGREES) return face;
    const side = isDoubtful ? LEVEL_VIEW_SIDE : HINT_VIEW_SIDE;
    const seen = await lookAt(detector, picture, face, 0, side, LEVEL_VIEW_HEIGHTS);
    const score = seen ? seen.score : 0;
    let start = face;
    if (isDoubtful && score <= detector.uprightScore) {
        start = (await lookCloser(detector, picture, [face], ALL_TURNS))[0] ?? face;
    } else if (Math.abs((seen && tiltOf(seen)) || 0) < HINT_VIEW_DEGREES) {
        return isDoubtful ? { ...face, second: score } : face;
    }
    const turned = await level(detector, picture, start);
    if (turned.turned && turned.score >= Math.max(detector.secondScore, isDoubtful ? score : 0)) {
        return { ...turned, tiled: face.tiled };
    }
    return isDoubtful ? { ...face, second: score } : face;
}

async function lookCloser(detector, picture, possible, angles) {
    const columns = angles.length > 1 ? Math.ceil(Math.sqrt(angles.length / 2)) * 2 : 1;
    const rows = Math.ceil(angles.length / columns), side = STEP_VIEW_SIDE;
    const found = [];
    for (const face of dropDuplicates(possible).slice(0, MAX_CLOSER)) {
        const sheet = makePicture(columns * side, rows * side, 3);
        const views = angles.map((angle) => viewAround(face, angle, side, STEP_VIEW_HEIGHTS));
        views.forEach((view, i) => paste(sheet, cutView(view, picture), (i % columns) * side, Math.floor(i / columns) * side));
        let best = null;
        for (const seen of await detector.look(sheet)) {
            const [column, row] = centreOf(seen).map((x) => Math.floor(x / side));
            const view = views[row * columns + column];
            if (!view || (best && seen.score <= best.score)) continue;
            const local = move(seen, -column * side, -row * side);
            if (isCentral(view, local)) best = toPicture(view, local);
        }
        if (best && best.score >= detector.foundScore) found.push(best);
    }
    return found;
}

async function level(detector, picture, face) {
    const look = (from, angle) => lookAt(detector, picture, from, angle, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS);
    const first = await look(face, face.turned);
    if (!first) return face;
    const second = (await look(first, wrap(face.turned + (tiltOf(first) || 0)))) ?? first;
    let angle = wrap(second.turned + (tiltOf(second) || 0));
    const quarter = 90 * round(angle / 90);
    if (Math.abs(angle - quarter) < LEVEL_FROM_DEGREES) angle = wrap(quarter);
    return (await look(second, angle)) ?? second;
}

async function lookAt(detector, picture, face, angle, side, heights) {
    const view = viewAround(face, angle, side, heights);
    const seen = (await detector.look(cutView(view, picture))).filter((one) => isCentral(view, one));
    return seen.length ? toPicture(view, seen.reduce((a, b) => (b.score > a.score ? b : a))) : null;
}

// A square part of a picture, turned around its centre: {centre, angle, side, scale}, as `face_search.View`.
function viewAround(face, angle, side, heights) {
    return { centre: centreOf(face), angle, side, scale: (Math.max(heightOf(face), 1) * heights) / side };
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

function reduceInside(picture, [x0, y0, x1, y1], factor) {
    const [left, top, right, bottom] = roundOutwards(picture, [x0, y0, x1, y1]).map((edge) => Math.max(edge, 0));
    const inside = [left, top, Math.min(right, picture.width), Math.min(bottom, picture.height)];
    const box = [x0 - left, y0 - top, x1 - left, y1 - top].map((edge) => edge / factor);
    return [reduce(picture, factor, factor, inside), box];
}

function isCentral({ side }, seen) {
    const [x, y] = centreOf(seen);
    return Math.hypot(x - side / 2, y - side / 2) <= CENTRE_FRACTION * side;
}

function toPicture(view, seen) {
    const cos = Math.cos(radians(view.angle)), sin = Math.sin(radians(view.angle));
    const map = (point) => {
        const [x, y] = point.map((value) => view.scale * (value - view.side / 2));
        return [view.centre[0] + x * cos - y * sin, view.centre[1] + x * sin + y * cos];
    };
    const whole = wholeOf(seen);
    const half = [0, 1].map((i) => (view.scale * (whole[i + 2] - whole[i])) / 2);
    return turnedFace(map(centreOf(seen)), half, wrap(view.angle), seen.score, seen.points && seen.points.map(map));
}

function turnedFace([x, y], [dx, dy], turned, score, points) {
    const cos = Math.abs(Math.cos(radians(turned))), sin = Math.abs(Math.sin(radians(turned)));
    const wide = dx * cos + dy * sin, high = dx * sin + dy * cos;
    const box = [x - wide, y - high, x + wide, y + high], whole = [x - dx, y - dy, x + dx, y + dy];
    return { box, score, points, turned, tiled: false, whole, second: null };
}

function turnBack(face, angle, size, picture) {
    const [x, y] = [centreOf(face)[0] - size.width / 2, centreOf(face)[1] - size.height / 2];
    const cos = Math.round(Math.cos(radians(angle))), sin = Math.round(Math.sin(radians(angle)));
    const centre = [picture.width / 2 + x * cos - y * sin, picture.height / 2 + x * sin + y * cos];
    const whole = wholeOf(face);
    return turnedFace(centre, [(whole[2] - whole[0]) / 2, heightOf(face) / 2], wrap(angle), face.score, null);
}

const mapPoints = (face, map) => ({
    ...face,
    box: [...map(face.box.slice(0, 2)), ...map(face.box.slice(2))],
    whole: face.whole && [...map(face.whole.slice(0, 2)), ...map(face.whole.slice(2))],
    points: face.points && face.points.map(map),
});
const move = (face, dx, dy) => mapPoints(face, ([x, y]) => [x + dx, y + dy]);
export const scaled = (face, factor) => mapPoints(face, ([x, y]) => [factor * x, factor * y]);

function paste(sheet, view, left, top) {
    for (let y = 0; y < view.height; y++) {
        sheet.data.set(view.data.subarray(3 * y * view.width, 3 * (y + 1) * view.width), 3 * ((top + y) * sheet.width + left));
    }
}

function clip(face, picture) {
    const [left, top, right, bottom] = face.box;
    const box = [Math.max(left, 0), Math.max(top, 0), Math.min(right, picture.width), Math.min(bottom, picture.height)];
    if (box.every((value, i) => value === face.box[i])) return face;
    return box[0] >= box[2] || box[1] >= box[3] ? null : { ...face, box, whole: wholeOf(face) };
}

function isAtEdge(face, picture) {
    const [left, top, right, bottom] = face.box;
    return Math.min(left, top, picture.width - right, picture.height - bottom) < EDGE_FRACTION * heightOf(face);
}

function overlap(a, b) {
    const [p, q] = [wholeOf(a), wholeOf(b)];
    const width = Math.min(p[2], q[2]) - Math.max(p[0], q[0]), height = Math.min(p[3], q[3]) - Math.max(p[1], q[1]);
    return (Math.max(0, width) * Math.max(0, height)) / Math.min(areaOf(a), areaOf(b));
}

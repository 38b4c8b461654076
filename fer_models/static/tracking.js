// Faces over time: which is which, and their answers smoothed; the rules of `fer_models/tracking.py`, except that a face
// is expected where it was last seen, and not where its movement leads.
import { best } from "./summary.js";

const SMOOTHING_S = 0.5, LOST_S = 1, MAX_DISTANCE = 1, MAX_GROWTH = 2;
const centre = ([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];

export class Tracker {
    #tracks = []; // the faces as they were last seen
    #count = 0;
    #followed = null;

    /** Give each face its `id`, and its models' probabilities smoothed. */
    update(faces, now) {
        const pairs = this.#tracks.flatMap((track) => faces.map((face) => [distance(track, face), track, face]))
            .filter(([far]) => far <= MAX_DISTANCE).sort((a, b) => a[0] - b[0]);
        const found = new Map();
        for (const [, track, face] of pairs) {
            if (!found.has(face) && ![...found.values()].includes(track)) found.set(face, track);
        }
        const tracks = faces.map((face) => {
            const before = found.get(face);
            if (!before) return { ...face, id: ++this.#count, seen: now };
            const weight = 1 - Math.exp(-(now - before.seen) / SMOOTHING_S);
            const models = face.models.map((one, i) => ({ ...one, probabilities: smooth(before.models[i].probabilities, one.probabilities, weight) }));
            return { ...face, id: before.id, seen: now, models };
        });
        const away = this.#tracks.filter((track) => ![...found.values()].includes(track) && now - track.seen <= LOST_S);
        this.#tracks = [...tracks, ...away];
        return tracks;
    }

    /** The face to stay with: the same until it has left, then the largest. */
    follow(faces) {
        if (!this.#tracks.some(({ id }) => id === this.#followed)) this.#followed = faces[0]?.id ?? null;
        return this.#followed;
    }
}

function distance(track, face) {
    const growth = face.height / track.height;
    if (growth > MAX_GROWTH || growth < 1 / MAX_GROWTH) return Infinity;
    const [[x, y], [u, v]] = [centre(track.box), centre(face.box)];
    return Math.hypot(x - u, y - v) / track.height;
}

// Not its label: where another wins, the average begins anew.
function smooth(before, now, weight) {
    const smoothed = Object.fromEntries(Object.entries(now).map(([label, share]) => [label, before[label] + weight * (share - before[label])]));
    return best(smoothed) === best(now) ? smoothed : now;
}

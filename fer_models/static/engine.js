// Pictures in, answers out: the detector, the models, and the JSON of `fer_models/inference.py`. Runs in a worker.
import * as ort from "./runtime/ort.wasm.min.mjs";
import { cropFace, makeDetector } from "./faces.js";
import { findHints, findScoreHints, findWholeHints } from "./quality.js";
import { resize, toGrey } from "./pixels.js";
import { heightOf, round, scaled } from "./search.js";
import { best, summarize, toPlaces } from "./summary.js";

const SIDE = 48;
const MAX_LIVE_FACES = 4;

async function fetchFile(path) {
    const response = await fetch(new URL(path, import.meta.url));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
}

export const loadSettings = async () => (await fetchFile("settings.json")).json();

// A file that lies there compressed, so that no server need do it.
async function fetchUnpacked(path) {
    const { body } = await fetchFile(path);
    return new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** @returns {compare, look, run}: for a picture, for a picture of the camera, and for faces that are cut out already. */
export async function startEngine(settings) {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { mjs: new URL("runtime/ort-wasm-simd-threaded.mjs", import.meta.url).href };
    ort.env.wasm.wasmBinary = await fetchUnpacked("runtime/ort-wasm-simd-threaded.wasm.gz");
    const sessions = new Map();

    const open = async (path) => ort.InferenceSession.create(new Uint8Array(await fetchUnpacked(path)));
    const yunet = await open("models/yunet.onnx.gz");

    /** The models of a tag; those that were not trained so as they are otherwise. */
    function choose(tag = settings.tags[0], names = settings.names) {
        if (!settings.tags.includes(tag)) throw new Error(`There is no tag ${tag}. Choose one of: ${settings.tags.join(", ")}.`);
        return names.map((name) => {
            const kinds = settings.models.filter((model) => model.model === name);
            if (!kinds.length) throw new Error(`There is no model ${name}. Choose one of: ${settings.names.join(", ")}.`);
            return kinds.find((model) => model.tag === tag) ?? kinds[0];
        });
    }

    /** Each is fetched once; what could not be had, again by the next try. */
    function load({ file }) {
        if (!sessions.has(file)) sessions.set(file, open(file).catch((error) => {
            sessions.delete(file);
            throw Object.assign(error, { reason: "models" });
        }));
        return sessions.get(file);
    }

    const detect = makeDetector(async ({ values, width, height }) => {
        const feeds = { input: new ort.Tensor("float32", values, [1, 3, height, width]) };
        const outputs = await yunet.run(feeds);
        return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data]));
    }, settings.faces);

    /** Of each model a list of {model, latency, probabilities: label -> probability} for each face. greys: Float32Arrays of 48x48 values in [0, 1]. */
    async function run(models, greys) {
        const values = new Float32Array(greys.length * SIDE * SIDE);
        greys.forEach((grey, i) => values.set(grey, i * SIDE * SIDE));
        const answers = [];
        for (const model of models) {
            const session = await load(model);
            const start = performance.now();
            const input = new ort.Tensor("float32", values, [greys.length, 1, SIDE, SIDE]);
            const { data } = (await session.run({ pixel_values: input })).logits;
            const latency = (performance.now() - start) / greys.length;
            const rows = greys.map((_, i) => softmax(data.subarray(i * settings.labels.length, (i + 1) * settings.labels.length)));
            answers.push(rows.map((row) => ({
                model: model.model, latency, probabilities: Object.fromEntries(settings.labels.map((label, j) => [label, row[j]])),
            })));
        }
        return answers;
    }

    /** What `/compare` answers, and the face as the models see it. */
    async function compare(picture, { tag, models: names, face = 0, whole = false, found = null, animated = false } = {}) {
        const models = choose(tag, names);
        const faces = whole ? [] : (found ?? (await detect(picture)));
        const first = animated ? [{ id: "animated", value: 1, limit: 1 }] : [];
        if (!whole && !faces.length) return { json: toJson([], null, [], [], first, settings), faces };
        if (!whole && !(face in faces)) throw Object.assign(new Error(`There is no face ${face}.`), { reason: "no_such_face" });
        const chosen = whole ? null : faces[face];
        const crop = whole ? picture : cropFace(picture, chosen, settings.faces);
        const grey = toValues(crop);
        const hints = whole
            ? await findWholeHints(picture, grey, detect, settings.quality)
            : findHints(picture, chosen, crop, grey, settings.quality);
        const answers = (await run(models, [grey])).map(([one]) => one);
        return { json: toJson(faces, whole ? null : face, models, answers, [...first, ...hints], settings), faces, grey };
    }

    /** The largest faces of a picture of the camera, each with what the models say of it: quick, and nothing more. */
    async function look(picture, { tag, models: names } = {}) {
        const scale = Math.max(picture.width, picture.height) / settings.faces.coarseSide;
        const size = [picture.width, picture.height].map((side) => Math.max(1, round(side / Math.max(scale, 1))));
        const small = scale > 1 ? resize(picture, ...size, undefined, 2) : picture;
        const factor = picture.width / small.width;
        const faces = (await detect(small, { turned: false })).slice(0, MAX_LIVE_FACES).map((face) => scaled(face, factor));
        const models = choose(tag, names);
        const answers = faces.length ? await run(models, faces.map((face) => toValues(cropFace(picture, face, settings.faces)))) : [];
        return faces.map((face, i) => ({
            box: face.box, height: heightOf(face), hints: findScoreHints(face.second ?? face.score, settings.quality),
            models: answers.map((ofFaces) => ofFaces[i]),
        }));
    }

    await Promise.all(choose().map(load));
    return { compare, look, run: (tag, greys) => run(choose(tag), greys) };
}

const toValues = (crop) => Float32Array.from(resize(toGrey(crop), SIDE, SIDE).data, (value) => Math.fround(value * (1 / 255)));

function softmax(logits) {
    const top = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - top));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
}

function toJson(faces, index, models, answers, hints, settings) {
    const found = faces.map((face) => ({
        box_xyxy: face.box.map((x) => toPlaces(x, 1)), score: toPlaces(face.score, 4),
        turned_degrees: toPlaces(face.turned, 1), tiled: face.tiled,
    }));
    return {
        faces: found,
        face_index: index,
        face: index === null ? null : found[index],
        models: answers.map(({ model, latency, probabilities }, i) => ({
            model, tag: models[i].tag, winner: best(probabilities), probabilities,
            latency_ms: toPlaces(latency, 2), size_mb: models[i].size_mb, test_accuracy: models[i].test_accuracy,
            test_images: models[i].test_images, test_labels: models[i].test_labels,
        })),
        ...summarize(answers, hints, settings),
        hints: hints.map(({ id, value, limit }) => ({ id, value: toPlaces(value, 3), limit })),
    };
}

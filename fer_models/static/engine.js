// Pictures in, answers out: the detector, the models, and the JSON of `fer_models/inference.py`. Runs in a worker.
import * as ort from "./runtime/ort.wasm.min.mjs";
import { refuse } from "./decode.js";
import { cropFace, makeDetector } from "./faces.js";
import { breakRules, findWholeHints, measureQuality } from "./quality.js";
import { resize, toGrey } from "./pixels.js";
import { certaintyOf, heightOf, round, scaled } from "./search.js";
import { labels, numbers as N } from "./settings.js";
import { best, chooseModels, summarize, toPlaces } from "./summary.js";

const SIDE = 48;
const MAX_LIVE_FACES = 4;
const YUNET = "models/yunet.onnx.gz";
const sessions = {};

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { mjs: new URL("runtime/ort-wasm-simd-threaded.mjs", import.meta.url).href };

// A file that lies there compressed, so that no server need do it.
async function fetchUnpacked(path) {
    const response = await fetch(new URL(path, import.meta.url));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// Each model is fetched once; what could not be had, again by the next try.
async function load(path) {
    try {
        ort.env.wasm.wasmBinary ??= await fetchUnpacked("runtime/ort-wasm-simd-threaded.wasm.gz");
        return (sessions[path] ??= await ort.InferenceSession.create(new Uint8Array(await fetchUnpacked(path))));
    } catch (error) {
        throw refuse("models", error.message);
    }
}

// A function with one instruction of SIMD: (v128.const) (i8x16.popcnt).
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

/** Load what the first answer needs. */
export async function start() {
    if (!WebAssembly.validate(new Uint8Array(SIMD)) || !self.DecompressionStream || !self.OffscreenCanvas) {
        throw refuse("wasm", "WebAssembly with SIMD is missing.");
    }
    await load(YUNET);
    await Promise.all(chooseModels().map(({ file }) => load(file)));
}

const detect = makeDetector(async ({ values, width, height }) => {
    const outputs = await (await load(YUNET)).run({ input: new ort.Tensor("float32", values, [1, 3, height, width]) });
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
});

/** Of each model a list of {model, latency, probabilities: label -> probability} for each face. greys: Float32Arrays of 48x48 values in [0, 1]. */
export async function run(models, greys) {
    const input = new ort.Tensor("float32", greys.flatMap((grey) => [...grey]), [greys.length, 1, SIDE, SIDE]);
    const answers = [];
    for (const { model, file } of models) {
        const session = await load(file);
        const begun = performance.now();
        const { data } = (await session.run({ pixel_values: input })).logits;
        const latency = (performance.now() - begun) / greys.length;
        const rows = greys.map((_, i) => data.subarray(i * labels.length, (i + 1) * labels.length));
        answers.push(rows.map((row) => ({ model, latency, probabilities: softmax(row) })));
    }
    return answers;
}

function softmax(logits) {
    const top = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - top));
    const sum = powers.reduce((a, b) => a + b);
    return Object.fromEntries(labels.map((label, i) => [label, powers[i] / sum]));
}

/** What `/compare` answers, and the face as the models see it. */
export async function compare(picture, { tag, models: names, face = 0, whole = false, found = null, animated = false }) {
    const models = chooseModels(tag, names);
    const faces = whole ? [] : (found ?? (await detect(picture)));
    const hints = animated ? [{ id: "animated", value: 1, limit: 1 }] : [];
    if (!whole && !faces.length) return { json: toJson([], null, [], [], hints), faces };
    if (!whole && !(face in faces)) throw refuse("no_such_face", `There is no face ${face}.`);
    const chosen = whole ? null : faces[face], crop = whole ? picture : cropFace(picture, chosen);
    const grey = toValues(crop);
    if (whole) hints.push(...(await findWholeHints(picture, detect)));
    hints.push(...breakRules(measureQuality(picture, chosen, crop, grey)));
    const answers = (await run(models, [grey])).map(([one]) => one);
    return { json: toJson(faces, whole ? null : face, models, answers, hints), faces, grey };
}

/** The largest faces of a picture of the camera, each with what the models say of it: quick, and nothing more. */
export async function look(picture, { tag }) {
    const scale = Math.max(1, Math.max(picture.width, picture.height) / N.COARSE_SIDE);
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, round(side / scale)));
    const small = resize(picture, width, height, undefined, 2);
    const found = (await detect(small, { turned: false })).slice(0, MAX_LIVE_FACES);
    const faces = found.map((face) => scaled(face, picture.width / width));
    const answers = faces.length ? await run(chooseModels(tag), faces.map((face) => toValues(cropFace(picture, face)))) : [];
    return faces.map((face, i) => ({
        box: face.box, height: heightOf(face), hints: breakRules({ score: certaintyOf(face) }),
        models: answers.map((ofFaces) => ofFaces[i]),
    }));
}

const toValues = (crop) => Float32Array.from(resize(toGrey(crop), SIDE, SIDE).data, (value) => Math.fround(value * (1 / 255)));

function toJson(faces, index, models, answers, hints) {
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
        ...summarize(answers, hints),
        hints: hints.map(({ id, value, limit }) => ({ id, value: toPlaces(value, 3), limit })),
    };
}

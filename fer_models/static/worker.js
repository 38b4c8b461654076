// Does the work beside the page, one thing after the other, so that the page stays quick.
import { decode, read } from "./decode.js";
import { loadSettings, startEngine } from "./engine.js";

let started = null;
let last = { id: null }; // the picture before, for the next face or tag; in memory alone, until the page forgets it

// A function with one instruction of SIMD: (v128.const) (i8x16.popcnt).
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

async function start() {
    if (!WebAssembly.validate(new Uint8Array(SIMD)) || !self.DecompressionStream || !self.OffscreenCanvas) {
        throw Object.assign(new Error("WebAssembly with SIMD is missing."), { reason: "wasm" });
    }
    const settings = await loadSettings();
    return { settings, engine: await startEngine(settings) };
}

const actions = {
    start: async ({ settings }) => settings,
    async compare({ settings, engine }, { id, blob, options }) {
        if (last.id !== id) last = { id, ...(await decode(blob, settings)) };
        const { json, faces, grey } = await engine.compare(last.picture, { ...options, found: last.faces, animated: last.animated });
        if (!options.whole) last.faces = faces;
        return { json, grey, size: [last.picture.width, last.picture.height] };
    },
    async look({ engine }, { bitmap, options }) {
        const picture = read(bitmap);
        bitmap.close();
        return { faces: await engine.look(picture, options), size: [picture.width, picture.height] };
    },
    run: ({ engine }, { tag, greys }) => engine.run(tag, greys),
    forget: async () => void (last = { id: null }),
};

// What a browser or the runtime says where it gets no more memory.
const findReason = (error) => (error instanceof RangeError || /memory|allocat/i.test(error.message) ? "memory" : "unexpected");

let queue = Promise.resolve();
self.onmessage = ({ data: { number, action, values } }) => {
    queue = queue.then(async () => {
        try {
            started ??= start().catch((error) => {
                started = null; // so that the next question tries again
                throw Object.assign(error, { reason: error.reason ?? "models" });
            });
            self.postMessage({ number, answer: await actions[action](await started, values) });
        } catch (error) {
            self.postMessage({ number, error: { message: String(error.message ?? error), reason: error.reason ?? findReason(error) } });
        }
    });
};

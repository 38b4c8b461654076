// Does the work beside the page, one thing after the other, so that the page stays quick.
import { decode, read } from "./decode.js";
import { compare, look, run, start } from "./engine.js";
import { chooseModels } from "./summary.js";

let last = {}; // the picture before, for the next face or tag; in memory alone, until the page forgets it

const actions = {
    start() {},
    async compare({ id, blob, options }) {
        if (last.id !== id) last = { id, ...(await decode(blob)) };
        const { json, faces, grey } = await compare(last.picture, { ...options, found: last.faces, animated: last.animated });
        if (!options.whole) last.faces = faces;
        return { json, grey, size: [last.picture.width, last.picture.height] };
    },
    async look({ bitmap, options }) {
        const picture = read(bitmap);
        bitmap.close();
        return { faces: await look(picture, options), size: [picture.width, picture.height] };
    },
    run: ({ tag, greys }) => run(chooseModels(tag), greys),
    forget: () => void (last = {}),
};

// What a browser or the runtime says where it gets no more memory.
const findReason = (error) => (error instanceof RangeError || /memory|allocat/i.test(error.message) ? "memory" : "unexpected");

let queue = Promise.resolve();
self.onmessage = ({ data: { action, values } }) => {
    queue = queue.then(start)
        .then(() => actions[action](values))
        .then((answer) => self.postMessage({ answer }))
        .catch((error) => self.postMessage({ error: { message: String(error.message ?? error), reason: error.reason ?? findReason(error) } }));
};

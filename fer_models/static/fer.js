// The comparison for programs: `window.fer.compare(blob, {tag})` resolves to the JSON of `/compare`. The page uses it too.
const waiting = new Map();
const ids = new WeakMap();
let count = 0;
let worker = null;
export let isReady = false; // whether the models are loaded

function startWorker() {
    worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { number, answer, error } }) => {
        const { resolve, reject } = waiting.get(number);
        waiting.delete(number);
        if (error) return reject(Object.assign(new Error(error.message), { reason: error.reason }));
        isReady = true;
        resolve(answer);
    };
    worker.onerror = (event) => {
        event.preventDefault();
        event.target.terminate();
        worker = null; // its script did not load: the next question starts another
        for (const { reject } of waiting.values()) reject(Object.assign(new Error(event.message), { reason: "models" }));
        waiting.clear();
    };
}
startWorker();

export function ask(action, values = {}, transfer = []) {
    if (!worker) startWorker();
    return new Promise((resolve, reject) => {
        waiting.set(++count, { resolve, reject });
        worker.postMessage({ number: count, action, values }, transfer);
    });
}

/** Compare the face of a picture.
 *  @param blob a picture file.
 *  @param options tag: a way of training; models: their names; face: which, counted from 0; whole: take the whole picture.
 *  @returns the JSON of `/compare`; rejects with an error whose `reason` is one of the page's, such as `not_an_image`. */
export async function compare(blob, options = {}) {
    return (await compareAndShow(blob, options)).json;
}

/** The same, with the face as the models see it, `grey`, and the `size` of the picture. */
export async function compareAndShow(blob, options = {}) {
    if (!ids.has(blob)) ids.set(blob, ++count);
    return ask("compare", { id: ids.get(blob), blob, options });
}

window.fer = { compare };

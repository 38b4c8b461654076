// The comparison for programs: `window.fer.compare(blob, {tag})` resolves to the JSON of `/compare`. The page uses it too.
const waiting = []; // questions; the worker answers them one after the other
const ids = new WeakMap();
let count = 0;
let worker = null;
export let isReady = false; // whether the models are loaded

function startWorker() {
    worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { answer, error } }) => {
        const { resolve, reject } = waiting.shift();
        if (error) return reject(Object.assign(new Error(error.message), error));
        isReady = true;
        resolve(answer);
    };
    worker.onerror = (event) => {
        event.preventDefault();
        event.target.terminate();
        worker = null; // its script did not load: the next question starts another
        for (const { reject } of waiting.splice(0)) reject(Object.assign(new Error(event.message), { reason: "models" }));
    };
}

export function ask(action, values = {}, transfer = []) {
    if (!worker) startWorker();
    return new Promise((resolve, reject) => {
        worker.postMessage({ action, values }, transfer); // first, as it throws where something cannot be handed over
        waiting.push({ resolve, reject });
    });
}

/** Compare the face of a picture.
 *  @param blob a picture file.
 *  @param options tag: a way of training; models: their names; face: which, counted from 0; whole: take the whole picture.
 *  @returns the JSON of `/compare`; rejects with an error whose `reason` is one of the page's, such as `not_an_image`. */
export async function compare(blob, options) {
    return (await compareAndShow(blob, options)).json;
}

/** The same, with the face as the models see it, `grey`, and the `size` of the picture. */
export function compareAndShow(blob, options = {}) {
    if (!ids.has(blob)) ids.set(blob, ++count);
    return ask("compare", { id: ids.get(blob), blob, options });
}

window.fer = { compare };

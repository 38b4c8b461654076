// Compare: a photo in, what each model makes of it out. All of it happens in this browser.
import { ask, compareAndShow, isReady } from "./fer.js";
import { startLive, stopLive } from "./live.js";
import { saveJson, savePng } from "./save.js";
import { examples, tags } from "./settings.js";
import { chooseModels } from "./summary.js";
import { make, renderCards, renderMessage, renderNoFace, renderPhoto, renderTable, renderVerdict, sayTrouble } from "./view.js";
import { has, language, languages, say, sayTag, speak } from "./words.js";

const find = (selector) => document.querySelector(selector);
const results = find("#results"), drop = find("#drop"), photo = find("#photo");
let shown = null; // {blob, url, face, whole}, where `blob` may be a promise; and with an answer `answer`, `grey`, `size`, or `trouble`
let run = 0; // so that a late answer knows that its photo is gone
let failure = null; // why there are no answers, while there is no photo

const chosenTag = () => find("#tags input:checked")?.value ?? tags[0];

function render() {
    const answer = shown?.answer, hasFace = Boolean(answer?.models.length), trouble = shown ? shown.trouble : failure;
    find("#save").hidden = find("#numbers").hidden = !hasFace;
    find("#crop").hidden = !shown?.grey;
    find("#remove").hidden = photo.hidden = !shown;
    find("#drop-text").hidden = Boolean(shown);
    results.replaceChildren(...renderResults(answer, trouble));
    find("#table").replaceChildren(...(hasFace ? renderTable(answer) : []));
    const takeFace = (face) => askAgain({ face });
    photo.replaceChildren(shown?.size && !trouble ? renderPhoto(shown.url, shown.size, answer?.faces ?? [], answer?.face_index ?? null, takeFace) : "");
    const faces = answer?.face_index != null ? answer.faces : [];
    find("#faces").hidden = faces.length < 2;
    offer(find("#faces"), faces.map((_, i) => [i, say("faces.number", { number: i + 1, count: faces.length })]), answer?.face_index, takeFace);
    if (shown?.grey) drawCrop(find("#crop canvas"), shown.grey);
}

function renderResults(answer, trouble) {
    if (trouble) return [renderMessage(sayTrouble(trouble), true)];
    if (answer?.models.length) return [renderVerdict(answer), renderCards(answer.models, answer)];
    if (answer) return [renderNoFace(answer.hints.some(({ id }) => id === "animated"), () => find("#file").click(), () => askAgain({ whole: true }))];
    return [renderMessage(say(!isReady ? "static.loading" : shown ? "static.looking" : "verdict.empty")), renderCards(chooseModels(chosenTag()))];
}

/** Radio buttons for a choice, anew; the one in use stays so.
 *  @param options [value, words] each. */
function offer(fieldset, options, chosen, choose) {
    const hadFocus = fieldset.contains(document.activeElement);
    fieldset.querySelector("div").replaceChildren(...options.map(([value, words]) => make("label", {},
        make("input", { type: "radio", name: fieldset.id, value, checked: value === chosen, onchange: () => choose(value) }), words)));
    if (hadFocus) fieldset.querySelector("input:checked")?.focus();
}

function drawCrop(canvas, grey) {
    const image = new ImageData(48, 48);
    grey.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
}

async function answer() {
    const mine = ++run, { blob, face, whole } = shown;
    shown.trouble = null;
    results.setAttribute("aria-busy", "true");
    if (!shown.answer) render();
    const options = { tag: chosenTag(), face, whole };
    const change = await Promise.resolve(blob).then((file) => compareAndShow(file, options)).then(
        ({ json, grey, size }) => ({ answer: json, grey, size }),
        ({ reason = "unexpected" }) => ({ answer: null, grey: null, trouble: reason }),
    );
    if (mine !== run) return;
    Object.assign(shown, change);
    results.removeAttribute("aria-busy");
    render();
}

function take(blob, url) {
    open("compare");
    remove();
    shown = { blob, url, face: 0, whole: false };
    answer();
}

function takeFirst(files) {
    if (files?.length) take(files[0], URL.createObjectURL(files[0]));
}

function takeExample(path) {
    const blob = fetch(path).then((response) => response.blob()).catch(() => Promise.reject({ reason: "offline" }));
    take(blob, path);
}

function remove() {
    run++;
    if (shown) URL.revokeObjectURL(shown.url);
    shown = failure = null;
    ask("forget").catch(tell);
    results.removeAttribute("aria-busy");
    render();
}

function tell({ reason }) {
    failure = reason;
    if (!shown) render();
}

function askAgain(change) {
    Object.assign(shown, change);
    answer();
}

// --- what people do ---

find("#choose").onclick = () => find("#file").click();
find("#shoot").onclick = () => find("#camera").click();
for (const input of [find("#file"), find("#camera")]) {
    input.onchange = () => {
        takeFirst(input.files);
        input.value = "";
    };
}
find("#remove").onclick = () => {
    remove();
    find("#choose").focus();
};
document.addEventListener("paste", (event) => takeFirst(event.clipboardData.files));
for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", type === "dragover");
        if (type === "drop") takeFirst(event.dataTransfer.files);
    });
}
find("#save").onclick = ({ target }) => {
    if (target.dataset.save === "json") saveJson(shown.answer);
    if (target.dataset.save === "png") savePng(shown.answer);
};

function open(view) {
    find(`#views [value=${view}]`).checked = true;
    for (const section of document.querySelectorAll("section")) section.hidden = section.id !== view;
    if (view !== "live") stopLive();
}
find("#views").onchange = ({ target }) => open(target.value);

// --- the beginning ---

function sayNotice() {
    const wrong = chooseModels(chosenTag()).map(({ test_accuracy }) => Math.round(10 * (1 - test_accuracy)));
    const low = Math.min(...wrong), high = Math.max(...wrong);
    const often = say(`notice.${low < high ? "wrong_range" : low === 1 ? "wrong_once" : "wrong"}`, { low, high });
    find("#notice-short").textContent = say("notice.short", { wrong: often });
}

function chooseTag() {
    sayNotice();
    if (shown) answer();
    else render();
}

function refresh() {
    offer(find("#tags"), tags.map((tag) => [tag, sayTag(tag)]), chosenTag(), chooseTag);
    sayNotice();
    render();
}

find("#language").append(...languages.map(([code, name]) => new Option(name, code, code === language, code === language)));
find("#language").onchange = ({ target }) => {
    speak(target.value);
    refresh();
};
find("#examples div").append(...examples.map((path) => {
    const name = path.split("/").at(-1).split(".")[0], key = `example.${name}`;
    const caption = has(key) ? make("span", { "data-word": key }, say(key)) : name;
    return make("button", { type: "button", onclick: () => takeExample(path) }, make("img", { src: path, alt: "" }), caption);
}));
startLive(chosenTag);
open(find("#views :checked").value); // which some browsers keep when the page is loaded anew
refresh();
await ask("start").then(() => (document.documentElement.dataset.ready = "models"), tell);
if (!shown) render();
navigator.serviceWorker?.register("service_worker.js").catch(() => {}); // the page works without

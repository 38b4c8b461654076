// Compare: a photo in, what each model makes of it out. All of it happens in this browser.
import { ask, compareAndShow, isReady } from "./fer.js";
import { startLive, stopLive } from "./live.js";
import { saveJson, savePng } from "./save.js";
import { make, renderCards, renderMessage, renderNoFace, renderPhoto, renderTable, renderVerdict, sayTrouble } from "./view.js";
import { has, language, loadWords, nameLanguage, say, sayTag, speak } from "./words.js";

const find = (selector) => document.querySelector(selector);
const results = find("#results"), drop = find("#drop"), photo = find("#photo");
let settings = null;
let shown = null; // {blob, url, face, whole, tag}, and with an answer `answer`, `grey`, `size`, or `trouble`
let run = 0; // so that a late answer knows that its photo is gone
let failure = null; // why there are no answers, while there is no photo

function emptyModels() {
    const probabilities = Object.fromEntries(settings.labels.map((label) => [label, null])), tag = chosenTag();
    return settings.names.map((name) => {
        const kinds = settings.models.filter((one) => one.model === name);
        return { ...(kinds.find((one) => one.tag === tag) ?? kinds[0]), probabilities };
    });
}

const chosenTag = () => find("#tags input:checked")?.value ?? settings.tags[0];

function render() {
    const answer = shown?.answer, hasFace = Boolean(answer?.models.length), trouble = shown ? shown.trouble : failure;
    find("#save").hidden = find("#numbers").hidden = !hasFace;
    find("#crop").hidden = !shown?.grey;
    find("#remove").hidden = !shown;
    find("#drop-text").hidden = photo.hidden = true;
    find(shown ? "#photo" : "#drop-text").hidden = false;
    if (trouble) results.replaceChildren(renderMessage(sayTrouble(trouble, settings), true));
    else if (hasFace) results.replaceChildren(renderVerdict(answer, settings), renderCards(answer.models, answer));
    else if (answer) {
        results.replaceChildren(renderNoFace(answer.hints.some(({ id }) => id === "animated"), () => find("#file").click(), () => askAgain({ whole: true })));
    }
    else if (settings) results.replaceChildren(renderMessage(say(!isReady ? "static.loading" : shown ? "static.looking" : "verdict.empty")), renderCards(emptyModels()));
    find("#table").replaceChildren(...(hasFace ? renderTable(answer, settings) : []));
    photo.replaceChildren(shown && !shown.trouble && shown.size ? renderPhoto(shown.url, shown.size, answer?.faces ?? [], answer?.face_index ?? null, (face) => askAgain({ face })) : "");
    renderFaces(answer);
    if (shown?.grey) drawCrop(find("#crop canvas"), shown.grey);
}

function renderFaces(answer) {
    const fieldset = find("#faces"), faces = answer?.face_index != null ? answer.faces : [];
    fieldset.hidden = faces.length < 2;
    const hadFocus = fieldset.contains(document.activeElement);
    fieldset.querySelector("div").replaceChildren(...faces.map((_, i) => make("label", {},
        make("input", { type: "radio", name: "face", value: i, checked: i === answer.face_index, onchange: () => askAgain({ face: i }) }),
        say("faces.number", { number: i + 1, count: faces.length }))));
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
    const change = await compareAndShow(blob, { tag: chosenTag(), face, whole }).then(
        ({ json, grey, size }) => ({ answer: json, grey, size }),
        ({ reason = "unexpected" }) => ({ answer: null, grey: null, trouble: reason }),
    );
    if (mine !== run) return;
    Object.assign(shown, change);
    results.removeAttribute("aria-busy");
    render();
}

function take(blob) {
    open(tabs[0]);
    remove();
    shown = { blob, url: URL.createObjectURL(blob), face: 0, whole: false };
    if (settings) answer();
}

function remove() {
    run++;
    if (shown) URL.revokeObjectURL(shown.url);
    shown = null;
    failure = null;
    ask("forget").catch(tell);
    results.removeAttribute("aria-busy");
    if (settings) render();
}

function tell({ reason }) {
    failure = reason;
    if (!shown) render();
}

function askAgain(change) {
    Object.assign(shown, change);
    answer();
}

function chooseTag() {
    sayNotice();
    if (shown) answer();
    else render();
}

function takeFirst(files) {
    if (files?.length) take(files[0]);
}

async function takeExample(path) {
    remove();
    const mine = run;
    try {
        const blob = await (await fetch(path)).blob();
        if (mine === run) take(blob);
    } catch {
        if (mine === run) tell({ reason: "offline" });
    }
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
document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    takeFirst(event.dataTransfer.files);
});
find("#save").onclick = ({ target }) => {
    if (target.dataset.save === "json") saveJson(shown.answer);
    if (target.dataset.save === "png") savePng(shown.answer, settings);
};

const tabs = [...document.querySelectorAll("[role=tab]")];
function open(tab) {
    for (const one of tabs) {
        one.setAttribute("aria-selected", one === tab);
        one.tabIndex = one === tab ? 0 : -1;
        document.getElementById(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    if (tab.id !== "tab-live") stopLive();
}
for (const [i, tab] of tabs.entries()) {
    tab.onclick = () => open(tab);
    tab.onkeydown = ({ key }) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
        if (!step) return;
        const next = tabs[(i + step + tabs.length) % tabs.length];
        open(next);
        next.focus();
    };
}

// --- the beginning ---

function renderTags() {
    const tag = chosenTag();
    find("#tags div").replaceChildren(...settings.tags.map((one) => make("label", {},
        make("input", { type: "radio", name: "tag", value: one, checked: one === tag, onchange: chooseTag }), sayTag(one))));
}

function sayNotice() {
    const wrong = [...new Set(emptyModels().map(({ test_accuracy }) => Math.round(10 * (1 - test_accuracy))))].sort((a, b) => a - b);
    const often = say(wrong.length === 1 ? "notice.wrong" : "notice.wrong_range", { low: wrong[0], high: wrong.at(-1) });
    find("#notice-short").textContent = say("notice.short", { wrong: often });
    const texts = ["notice.use", "notice.models", "static.notice.photo"].map((key) => make("p", {}, say(key)));
    find("#notice").replaceChildren(find("#notice summary"), ...texts);
}

function refresh() {
    renderTags();
    sayNotice();
    render();
}

async function begin() {
    document.documentElement.classList.add("fer-ready");
    try {
        settings = await (await fetch("settings.json")).json();
        await loadWords(settings.languages);
    } catch {
        results.replaceChildren(renderMessage("The page could not be loaded whole. Check the network and reload it.", true));
        return;
    }
    const select = find("#language");
    select.append(...settings.languages.map((code) => make("option", { value: code, selected: code === language }, nameLanguage(code))));
    select.onchange = () => {
        speak(select.value);
        refresh();
    };
    find("#examples div").replaceChildren(...settings.examples.map((path) => {
        const name = path.split("/").at(-1).split(".")[0], key = `example.${name}`;
        const caption = has(key) ? make("span", { "data-word": key }, say(key)) : name;
        return make("button", { type: "button", onclick: () => takeExample(path) }, make("img", { src: path, alt: "" }), caption);
    }));
    startLive(settings, chosenTag);
    refresh();
    if (shown) answer();
    await ask("start").then(() => (document.documentElement.dataset.ready = "models"), tell);
    if (!shown) render();
    if ("serviceWorker" in navigator) navigator.serviceWorker.register("service_worker.js").catch(() => {}); // the page works without
}
begin();

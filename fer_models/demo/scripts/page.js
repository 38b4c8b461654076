// What gradio leaves to the page itself. Runs once, as soon as the hidden words of `ui.py` are there: `element` holds
// them, and `watch` tells of new ones.

const words = () => element.querySelector("[data-language]").dataset;
const findProblems = (part) => part.querySelectorAll(".fer-problem");

// Browsers and screen readers are told the language, which gradio fixes to English.
function followLanguage() {
    document.documentElement.lang = words().language;
    document.title = words().title;
    for (const problem of findProblems(document)) problem.textContent = words()[problem.dataset.key] ?? problem.textContent;
    appear();
}

// Until its parts are there, in the language that the server will choose, the page is not seen, as they would jump.
function appear() {
    const isHeaderThere = document.querySelector("#header h1") && document.querySelector("#header\\.language input");
    if (words().language === wanted && isHeaderThere) show();
}
function show() {
    if (document.documentElement.classList.contains("fer-ready")) return;
    document.documentElement.classList.add("fer-ready");
    setTimeout(() => document.dispatchEvent(new Event("fer-ready")), 500); // when the tabs are there
}
setTimeout(show, 3000);
const asked = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];
const spoken = asked.map((code) => code?.toLowerCase().split("-")[0]);
const wanted = spoken.find((code) => words().languages.split(" ").includes(code)) ?? words().language;
followLanguage();
watch("value", followLanguage);

// The address names the open tab and the chosen language, so that the page comes back as it was.
function note(name, value) {
    if (!value) return;
    const address = new URL(location);
    address.searchParams.set(name, value);
    history.replaceState(history.state, "", address);
}
document.addEventListener("click", ({ target }) => {
    note("tab", target.closest?.("[role=tab]")?.dataset.tabId);
    note("lang", target.closest?.("#header\\.language") && target.value);
});
document.addEventListener("fer-answer", () => {
    const { tabId } = document.querySelector("[role=tab][aria-selected=true]").dataset;
    if (new URLSearchParams(location.search).has("tab")) note("tab", tabId); // Many opens its faces in Compare
});

// One message at a time: a sentence where the trouble happened, at the `.fer-problem-slot` of the tab where something was
// tried last, though another one may be open by now; without a try, of the open one. It takes the place of the one
// before, and stays until the next try there, or its answer.
let tried, isLost = false; // once gradio has lost the server, it loads the page anew as soon as that is back
function say(key, sentence = words()[key]) {
    findProblems(document).forEach((problem) => problem.remove());
    const tabs = [...document.querySelectorAll("[role=tabpanel]")];
    const tab = tried ?? tabs.find((candidate) => candidate.offsetParent !== null) ?? document.body;
    const className = "fer-message fer-message-error fer-problem";
    const problem = Object.assign(document.createElement("p"), { role: "alert", textContent: sentence, className });
    problem.dataset.key = key;
    (tab.querySelector(".fer-problem-slot") ?? tab).prepend(problem);
    problem.scrollIntoView({ block: "nearest" });
    history.replaceState({ ...history.state, isLost }, "");
}
function hush({ type, target, detail }) {
    const tab = (type === "fer-answer" ? detail : target).closest?.("[role=tabpanel]");
    const isTry = type !== "click" || target.closest("button, input, [data-face]");
    if (!tab || !isTry) return;
    tried = tab;
    findProblems(tab).forEach((problem) => problem.remove());
    // Of all that fail, gradio tells of the first alone. A server on the same machine answers without a network, too.
    if (!navigator.onLine || isLost) fetch(location, { method: "HEAD", cache: "no-store" }).catch(() => say("offline"));
}
for (const event of ["change", "click", "drop", "fer-answer"]) document.addEventListener(event, hush, true);

// Files that the server would refuse are refused before they travel.
function refuseLargeFiles(event) {
    const files = event.type === "change" ? event.target.files : (event.dataTransfer ?? event.clipboardData)?.files;
    const sizes = [...(files ?? [])].map((file) => file.size);
    const isOneTooLarge = sizes.some((size) => size > Number(words().maxFileBytes));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (!isOneTooLarge && total <= Number(words().maxUploadBytes)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.type === "change") event.target.value = "";
    say(isOneTooLarge ? "fileTooLarge" : "filesTooLarge");
}
for (const event of ["change", "drop", "paste"]) document.addEventListener(event, refuseLargeFiles, true);

// Why there is no picture from the camera, which browsers hide from pages that come over plain HTTP from elsewhere; or
// why files are gone.
document.addEventListener("fer-problem", ({ detail: { name } }) => {
    const reasons = { NotAllowedError: "cameraDenied", NotFoundError: "cameraMissing", Ended: "ended", Lost: "back" };
    say(reasons[name] ?? (navigator.mediaDevices ? "cameraBusy" : "cameraInsecure"));
});

// Over plain HTTP browsers hide the clipboard, too; one can still copy by way of a field.
async function copyByField(text) {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
}
if (!navigator.clipboard) Object.defineProperty(navigator, "clipboard", { value: { writeText: copyByField } });

// Gradio shows errors and warnings in a corner, its own in the browser's language. They are said in their place, and in
// the page's.
const TOASTS = { busy: /busy|queue/i, full: /disk is full/i, fileTooLarge: /file size|too large/i, offline: /connection|network|fetch|upload failed/i };
function replaceToasts() {
    const messages = "[data-testid=toast-body]:is(.error, .warning) .toast-message-text:not([data-fer-said])";
    for (const message of document.querySelectorAll(messages)) {
        message.dataset.ferSaid = "";
        const text = message.textContent.trim();
        isLost ||= /reconnection/i.test(text);
        const toast = message.closest("[data-testid=toast-body]");
        toast.querySelector("[data-testid=toast-close]")?.click();
        if (toast.matches(".warning")) say(Object.keys(words()).find((key) => words()[key] === text), text); // the page's own
        else say(Object.keys(TOASTS).find((key) => TOASTS[key].test(text)) ?? "unexpected");
    }
}

// Gradio's radio buttons do not know of each other, so that the arrow keys would not move between them; its code has no
// name, like its fields with a button; its small buttons are named in the browser's language; and the one that adds
// files holds another one, which does the work: it becomes a plain frame, so that there is one.
function mendWidgets() {
    for (const radio of document.querySelectorAll("fieldset[id] input[type=radio]")) {
        const { id } = radio.closest("fieldset[id]");
        if (radio.name !== id) radio.name = id;
    }
    for (const field of document.querySelectorAll(".cm-content, #share textarea, #share input")) {
        const around = field.closest(".fer-snippet") ?? field.closest(".block");
        const name = around.querySelector("h3, [data-testid^=block-]")?.textContent.trim() ?? "";
        if (field.ariaLabel !== name) field.ariaLabel = name;
    }
    const add = matchMedia("(pointer: coarse)").matches ? "touch" : "drop"; // is shown, too
    const buttons = { copy: ":is(#code, #share) .icon-button", clear: "#many\\.files button.icon-button:not(:has(button))",
        remove: ".label-clear-button", [add]: "#many\\.files .upload-container" };
    for (const key in buttons) for (const one of document.querySelectorAll(buttons[key])) one.ariaLabel = one.title = words()[key];
    for (const outer of document.querySelectorAll("button:has(button)")) {
        const { className, style: { cssText } } = outer, plain = document.createElement("span");
        plain.append(...outer.childNodes);
        outer.replaceWith(Object.assign(plain, { className }, { style: cssText }));
    }
}
new MutationObserver(() => {
    replaceToasts();
    mendWidgets();
    appear();
}).observe(document.body, { childList: true, subtree: true, characterData: true, attributeFilter: ["name"] });

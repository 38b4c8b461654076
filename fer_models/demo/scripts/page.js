// What gradio leaves to the page itself. Runs once, as soon as the hidden words of `ui.py` are there: `element` holds
// them, and `watch` tells of new ones.

const words = () => element.querySelector("[data-language]").dataset;

// Browsers and screen readers are told the language, which gradio fixes to English.
function followLanguage() {
    document.documentElement.lang = words().language;
    document.title = words().title;
    for (const problem of findProblems(document)) problem.textContent = words()[problem.dataset.key] ?? problem.textContent;
    phrases = readPhrases();
    exchangeWords();
    appear();
}

// Until its parts are there, in the language that the server will choose, the page is not seen, as they would jump.
function appear() {
    const isHeaderThere = document.querySelector("#header h1") && document.querySelector("#header\\.language input");
    if (words().language === wanted && isHeaderThere) show();
}
function show() {
    document.documentElement.classList.add("fer-ready");
}
setTimeout(show, 3000);
const asked = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];
const known = words().languages.split(" ");
const spoken = asked.map((code) => code?.toLowerCase().split("-")[0]);
const wanted = spoken.find((code) => known.includes(code)) ?? words().language;

// Gradio's own words, which `english.js` keeps English, are exchanged for the page's.
let phrases = []; // pairs of a pattern and what it becomes
const exchanged = new WeakMap(); // by text or attribute: what gradio said, and what stands there now
function readPhrases() {
    return Object.entries(JSON.parse(words().gradio)).map(([english, word]) => {
        const pattern = english.replace(/[.|]/g, "\\$&").replaceAll(" ", "\\s+").replaceAll("{}", "(.+)");
        return [new RegExp(`^(\\s*)${pattern}(\\s*)$`), word];
    });
}
function exchange(node) {
    const [before, after] = exchanged.get(node) ?? [];
    const text = node.nodeValue === after ? before : node.nodeValue;
    for (const [pattern, word] of phrases) {
        const found = pattern.exec(text);
        if (!found) continue;
        const [, start, ...parts] = found;
        const now = start + word.replaceAll("{}", () => parts.shift()) + parts.pop();
        exchanged.set(node, [text, now]);
        if (node.nodeValue !== now) node.nodeValue = now;
        return;
    }
}
function exchangeWords() {
    const isOurs = (node) => node.matches?.(".html-container, .cm-line, script, style");
    const choose = (node) => (isOurs(node) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, choose);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const parts = node.attributes ? ["aria-label", "title"].map((name) => node.getAttributeNode(name)) : [node];
        for (const part of parts) if (part?.nodeValue.trim()) exchange(part);
    }
}
followLanguage();
watch("value", followLanguage);

// A sentence where the trouble happened: at the `.fer-problem-slot` of the tab where something was tried last, though
// another one may be open by now; without a try, of the open one. It stays until the next try there: a file, a choice or
// a button.
let tried;
function say(key, sentence = words()[key]) {
    findProblems(document).forEach((problem) => problem.remove());
    const tabs = [...document.querySelectorAll("[role=tabpanel]")];
    const tab = tried ?? tabs.find((candidate) => candidate.offsetParent !== null) ?? document.body;
    const problem = document.createElement("p");
    problem.className = "fer-message fer-message-error fer-problem";
    problem.setAttribute("role", "alert");
    problem.dataset.key = key;
    problem.textContent = sentence;
    (tab.querySelector(".fer-problem-slot") ?? tab).prepend(problem);
}
function findProblems(part) {
    return part.querySelectorAll(".fer-problem");
}
function hush({ type, target }) {
    const tab = target.closest?.("[role=tabpanel]");
    const isTry = type !== "click" || target.closest("button, input, [data-face]");
    if (!tab || !isTry) return;
    tried = tab;
    findProblems(tab).forEach((problem) => problem.remove());
}
for (const event of ["change", "click", "drop"]) document.addEventListener(event, hush, true);

// Files that the server would refuse are refused before they travel.
function refuseLargeFiles(event) {
    const files = event.type === "drop" ? event.dataTransfer?.files : event.target.files;
    const sizes = [...(files ?? [])].map((file) => file.size);
    const isOneTooLarge = sizes.some((size) => size > Number(words().maxFileBytes));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (!isOneTooLarge && total <= Number(words().maxUploadBytes)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.type === "change") event.target.value = "";
    say(isOneTooLarge ? "fileTooLarge" : "filesTooLarge");
}
for (const event of ["change", "drop"]) document.addEventListener(event, refuseLargeFiles, true);

// Why there is no picture from the camera. Browsers hide it from pages that come over plain HTTP from elsewhere.
const devices = navigator.mediaDevices ?? { enumerateDevices: async () => [] };
if (!navigator.mediaDevices) Object.defineProperty(navigator, "mediaDevices", { value: devices });
const askForCamera = devices.getUserMedia?.bind(devices);
devices.getUserMedia = async (constraints) => {
    if (!askForCamera) say("cameraInsecure");
    try {
        return await askForCamera(constraints);
    } catch (error) {
        if (error.name === "NotAllowedError") say("cameraDenied");
        else if (error.name === "NotFoundError") say("cameraMissing");
        else if (askForCamera) say("cameraBusy");
        throw error;
    }
};

// Over plain HTTP browsers hide the clipboard, too: gradio's buttons can still copy, by way of a field, but not paste.
async function copyByField(text) {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
}
const clipboard = navigator.clipboard ?? { writeText: copyByField };
if (!navigator.clipboard) Object.defineProperty(navigator, "clipboard", { value: clipboard });
// Why nothing was pasted by gradio's button, which says nothing of it.
const askForClipboard = clipboard.read?.bind(clipboard);
clipboard.read = async () => {
    const items = await askForClipboard?.().catch(() => null);
    if (!items) say("clipboardDenied");
    else if (!items.some(({ types }) => types.some((type) => type.startsWith("image/")))) say("clipboardEmpty");
    return items ?? [];
};

// Gradio shows errors and warnings in a corner, its own in the browser's language. They are said in their place, and in
// the page's.
function replaceToasts() {
    const messages = "[data-testid=toast-body]:is(.error, .warning) .toast-message-text:not([data-fer-said])";
    for (const message of document.querySelectorAll(messages)) {
        message.dataset.ferSaid = "";
        const text = message.textContent.trim();
        const toast = message.closest("[data-testid=toast-body]");
        toast.querySelector("[data-testid=toast-close]")?.click();
        if (toast.matches(".warning")) say("", text); // the page's own sentence
        else if (/busy|queue/i.test(text)) say("busy");
        else if (/disk is full/i.test(text)) say("full");
        else if (/file size|too large/i.test(text)) say("fileTooLarge");
        else if (/invalid file type/i.test(text)) say("notAnImage");
        else if (/connection|network|fetch/i.test(text)) say("offline");
        else say("unexpected");
    }
}

// Gradio's radio buttons do not know of each other, so that the arrow keys would not move between them.
function nameRadios() {
    for (const radio of document.querySelectorAll("fieldset[id] input[type=radio]")) {
        const { id } = radio.closest("fieldset[id]");
        if (radio.name !== id) radio.name = id;
    }
}

// Gradio's blocks of code can be scrolled by the mouse only.
function reachCode() {
    document.querySelectorAll('.cm-scroller[tabindex="-1"]').forEach((code) => (code.tabIndex = 0));
}
// Gradio's button that adds files holds another one, which does the work: the keyboard and screen readers get that one.
function unnestButtons() {
    for (const outer of document.querySelectorAll("button:has(button):not([role])")) {
        outer.setAttribute("role", "group");
        outer.removeAttribute("aria-haspopup");
        outer.tabIndex = -1;
    }
}
new MutationObserver(() => {
    replaceToasts();
    nameRadios();
    reachCode();
    unnestButtons();
    exchangeWords();
    appear();
}).observe(document.body, { childList: true, subtree: true, characterData: true, attributeFilter: ["aria-label", "title", "name"] });

// How photos come to Compare: chosen, taken, dropped, pasted, or one of the examples. `element` holds the buttons, and
// `props.value` what is chosen, which the server is asked about whenever it changes.

const column = element.closest("#photo"), tab = element.closest("#compare");
const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
const [file, camera] = element.querySelectorAll("input[type=file]");
const say = (detail) => document.dispatchEvent(new CustomEvent("fer-problem", { detail }));
const choose = (choice) => {
    props.value = { ...choice, id: crypto.getRandomValues(new Uint32Array(2)).join("-") };
    history.replaceState({ ...history.state, choice: props.value }, ""); // a path, no picture
};
const isAway = () => document.hidden || tab.offsetParent === null; // another tab of the browser, or of the page
const restart = () => (showCamera(null), delete column.dataset.busy, ++turn); // for another photo
let stream = null, turn = 0; // counts photos, so that what comes late does not take the place of a newer one

// What is no picture goes the same way, and is refused there with a sentence.
async function send(files) {
    const all = [...(files ?? [])];
    if (!all.length) return;
    const mine = restart();
    column.dataset.busy = props.words["photo.uploading"];
    const sent = await upload(all.find(({ type }) => type.startsWith("image/")) ?? all[0]).catch(() => null); // `page.js` says why
    if (mine !== turn) return;
    delete column.dataset.busy;
    if (sent) choose({ path: sent.path });
}

// Phones have an app for taking photos; elsewhere the camera's picture lies over the place of the photo.
async function take() {
    if (stream) return snap();
    if (matchMedia("(pointer: coarse)").matches) return camera.click();
    const mine = turn;
    try {
        showCamera(await navigator.mediaDevices.getUserMedia({ video: true }));
        if (mine !== turn || isAway()) showCamera(null);
    } catch (error) {
        say(error);
    }
}
function showCamera(next) {
    if (next !== stream) stream?.getTracks().forEach((track) => track.stop());
    stream = next;
    if (stream) {
        video.srcObject = stream;
        const [track] = stream.getVideoTracks();
        track.onended = () => (showCamera(null), say({ name: "Ended" }));
        video.dataset.camera = track.getSettings().facingMode ?? "user"; // their own is a mirror
        video.play();
        column.prepend(video);
    } else video.remove();
    column.classList.toggle("fer-camera", !!stream);
    element.querySelector("[data-do=take]").textContent = props.words[stream ? "photo.snap" : "photo.take"];
}
function snap() {
    const size = { width: video.videoWidth, height: video.videoHeight };
    const canvas = Object.assign(document.createElement("canvas"), size);
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && send([new File([blob], "camera.png", { type: "image/png" })]), "image/png");
}

tab.addEventListener("click", ({ target }) => {
    const { do: action, face, example } = target.closest("[data-do], [data-face], [data-example]")?.dataset ?? {};
    if (action === "take") take();
    if (action === "choose") file.click();
    if (action === "remove") (restart(), choose({}));
    if (action === "whole") choose({ ...props.value, whole: true });
    if (example) (restart(), choose({ example: Number(example) }));
    if (face) choose({ ...props.value, face: Number(face) });
});
element.addEventListener("change", ({ target }) => {
    send(target.files);
    target.value = ""; // the same one may be chosen again
});
for (const type of ["dragover", "drop"]) tab.addEventListener(type, (event) => event.preventDefault());
tab.addEventListener("drop", ({ dataTransfer }) => send(dataTransfer?.files));
document.addEventListener("paste", (event) => {
    if (!isAway() && !event.target.closest?.("input, textarea, [contenteditable]")) send(event.clipboardData?.files);
});
const leave = () => isAway() && showCamera(null);
document.addEventListener("visibilitychange", leave);
new ResizeObserver(leave).observe(tab);
// A radio button that somebody has clicked no longer follows its attribute.
document.addEventListener("fer-answer", () => setTimeout(() => {
    const chosen = column.querySelector("#photo\\.faces [checked]");
    if (chosen) chosen.checked = true;
}));
watch("words", () => showCamera(stream)); // the button's word
// Loaded anew, as gradio does once a lost connection is back, the page looks at the same photo again.
const isAnew = performance.getEntriesByType("navigation")[0]?.type !== "navigate";
document.addEventListener("fer-ready", () => isAnew && history.state?.choice && choose(history.state.choice));

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
let stream = null;

// What is no picture goes the same way, and is refused there with a sentence.
async function send(files) {
    const all = [...(files ?? [])];
    if (!all.length) return;
    showCamera(null);
    column.dataset.busy = props.words["photo.uploading"];
    try {
        const { path } = await upload(all.find(({ type }) => type.startsWith("image/")) ?? all[0]);
        choose({ path });
    } catch {
        // `page.js` says why
    }
    delete column.dataset.busy;
}

// Phones have an app for taking photos; elsewhere the camera's picture lies over the place of the photo.
async function take() {
    if (stream) return snap();
    if (matchMedia("(pointer: coarse)").matches) return camera.click();
    try {
        showCamera(await navigator.mediaDevices.getUserMedia({ video: true }));
    } catch (error) {
        say(error);
    }
}
function showCamera(next) {
    stream?.getTracks().forEach((track) => track.stop());
    stream = next;
    if (stream) {
        video.srcObject = stream;
        video.dataset.camera = stream.getVideoTracks()[0].getSettings().facingMode ?? "user"; // their own is a mirror
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
    if (action === "remove") (showCamera(null), choose({}));
    if (action === "whole") choose({ ...props.value, whole: true });
    if (example) (showCamera(null), choose({ example: Number(example) }));
    if (face) choose({ ...props.value, face: Number(face) });
});
for (const input of [file, camera]) {
    input.addEventListener("change", () => {
        send(input.files);
        input.value = ""; // the same one may be chosen again
    });
}
tab.addEventListener("dragover", (event) => event.preventDefault());
tab.addEventListener("drop", (event) => {
    event.preventDefault();
    send(event.dataTransfer?.files);
});
document.addEventListener("paste", (event) => {
    const isOpen = tab.offsetParent !== null;
    if (isOpen && !event.target.closest?.("input, textarea, [contenteditable]")) send(event.clipboardData?.files);
});
// A radio button that somebody has clicked no longer follows its attribute.
document.addEventListener("fer-answer", () => setTimeout(() => {
    const chosen = column.querySelector("#photo\\.faces [checked]");
    if (chosen) chosen.checked = true;
}));
watch("words", () => showCamera(stream)); // the button's word
// Loaded anew, as gradio does once a lost connection is back, the page looks at the same photo again.
const isAnew = performance.getEntriesByType("navigation")[0]?.type !== "navigate";
document.addEventListener("fer-ready", () => isAnew && history.state?.choice && choose(history.state.choice));

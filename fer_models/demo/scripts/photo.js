// The photo with its faces lies over gradio's own picture of it. `element` holds it.

// A click on a face chooses it below the photo.
element.addEventListener("click", (event) => {
    const face = event.target.closest("[data-face]");
    const choices = element.closest("#photo").querySelectorAll("#photo\\.faces input");
    if (face) choices[Number(face.dataset.face)]?.click();
});

// People know themselves from the mirror: their own camera's preview is one, that of a phone's back camera is not.
element.closest("#photo").addEventListener("loadedmetadata", ({ target }) => {
    const [track] = target.srcObject?.getVideoTracks() ?? [];
    target.dataset.camera = track?.getSettings().facingMode ?? "user";
}, true);

// Another photo may be dropped on this one, or pasted anywhere, as long as nobody is writing. What is no picture goes the
// same way, and is refused there with a sentence.
function choose(files) {
    const all = [...(files ?? [])];
    const input = element.closest("#photo").querySelector("input[type=file]");
    if (!all.length || !input || element.closest("[role=tabpanel]").offsetParent === null) return;
    const transfer = new DataTransfer();
    transfer.items.add(all.find((file) => file.type.startsWith("image/")) ?? all[0]);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}
element.addEventListener("dragover", (event) => event.preventDefault());
element.addEventListener("drop", (event) => {
    event.preventDefault();
    choose(event.dataTransfer?.files);
});
document.addEventListener("paste", (event) => {
    if (!event.target.closest?.("input, textarea, [contenteditable]")) choose(event.clipboardData?.files);
});

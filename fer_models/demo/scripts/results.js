// An answer to something new comes into view, with the focus, where it is out of sight. `element` holds it.
let last = "";
watch("value", () => {
    document.dispatchEvent(new Event("fer-shown"));
    const answer = element.querySelector("[data-look]");
    if ((answer?.dataset.look ?? "") === last) return; // the same in another language, or of other models
    last = answer?.dataset.look ?? "";
    document.dispatchEvent(new CustomEvent("fer-answer", { detail: element })); // says no more what was said before
    // Not in the frame that lays the answer out: what it pushes down out of sight would count as a jump.
    if (answer) requestAnimationFrame(() => setTimeout(() => bringIntoView(answer)));
});
function bringIntoView(answer) {
    const { top, bottom } = answer.getBoundingClientRect();
    const isAside = top >= 0 && bottom <= innerHeight;
    if (isAside && document.activeElement !== document.body) return;
    if (!isAside) answer.scrollIntoView({ block: bottom - top > innerHeight ? "start" : "nearest" });
    answer.focus({ preventScroll: true });
}

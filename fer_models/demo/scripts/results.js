// An answer to something new comes into view, with the focus, where it is out of sight. `element` holds it.
let last = "";
watch("value", () => {
    document.dispatchEvent(new CustomEvent("fer-answer", { detail: element })); // says no more what was said before
    const answer = element.querySelector("[data-look]");
    if (!answer || answer.dataset.look === last) return;
    last = answer.dataset.look;
    const { top, bottom } = answer.getBoundingClientRect();
    if (top >= 0 && bottom <= innerHeight) return;
    answer.scrollIntoView({ block: bottom - top > innerHeight ? "start" : "nearest" });
    answer.focus({ preventScroll: true });
});

// The table of all faces: each opens in Compare, and those on which the models are furthest apart come first if asked.
function sort() {
    const body = element.querySelector(".fer-faces tbody"), box = element.querySelector(".fer-sort input");
    if (!body || !box) return;
    const place = ({ dataset }) => (box.checked ? -dataset.split : Number(dataset.row));
    body.append(...[...body.rows].sort((one, other) => place(one) - place(other)));
}
element.addEventListener("change", sort);
watch("value", sort);
// The button that was pressed is dead by now: its focus goes on to what came.
watch("value", () => {
    const report = element.querySelector("[role=status]");
    if (!report || document.activeElement !== document.body) return;
    report.tabIndex = -1;
    report.focus();
});
element.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-open]");
    if (button) trigger("select", { row: Number(button.dataset.open) });
});
const tell = () => document.dispatchEvent(new CustomEvent("fer-problem", { detail: { name: "Lost" } })); // `page.js` hears it
if (history.state?.isLost) document.documentElement.matches(".fer-ready") ? tell() : document.addEventListener("fer-ready", tell);

// You first: where the switch is on, the verdict is hidden until the visitor has guessed. `element` holds switch and
// buttons; guesses stay in this page.
const part = (selector) => element.querySelector(selector);
const results = element.closest("#results");
let asked = "", guessed = "", faces = 0, hits = 0;

const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const hide = (isHidden) => results.classList.toggle("fer-guessing", isHidden);

// By the models that are shown now, in the language of now.
function tell() {
    if (!guessed) return;
    const winners = [...results.querySelectorAll(".fer-card")].map((card) => card.dataset.winner);
    const { agree, tally } = part(".fer-guess").dataset;
    const count = winners.filter((winner) => winner === guessed).length, label = part(`[data-guess=${guessed}]`).textContent;
    part("[role=status]").textContent =
        `${fill(agree, { label, count, total: winners.length })} ${faces > 1 ? fill(tally, { count: hits, total: faces }) : ""}`;
}
watch("value", tell);
document.addEventListener("fer-shown", tell);

element.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-guess]"), verdict = results.querySelector(".fer-verdict");
    if (!button || !verdict) return;
    guessed = button.dataset.guess;
    faces += 1;
    hits += guessed === verdict.dataset.top;
    hide(false);
    tell();
    verdict.focus({ preventScroll: true });
});
element.addEventListener("change", ({ target: { checked } }) => {
    guessed = "";
    part("[role=status]").textContent = checked && asked ? part(".fer-guess").dataset.next : "";
    if (!checked) hide(false);
});
document.addEventListener("fer-answer", ({ detail }) => {
    const look = detail.querySelector(".fer-verdict")?.dataset.look ?? "";
    if (look === asked) return;
    [asked, guessed] = [look, ""];
    part("[role=status]").textContent = "";
    hide(part("input").checked && !!look);
    if (!results.matches(".fer-guessing")) return;
    part("[data-guess]").focus({ preventScroll: true });
    part("fieldset").scrollIntoView({ block: "nearest" });
});

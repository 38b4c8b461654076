// You first: where the switch is on, the verdict is hidden until the visitor has guessed. `element` holds switch and
// buttons; guesses stay in this page.
const part = (selector) => element.querySelector(selector);
const results = element.closest("#results");
let asked = "", faces = 0, hits = 0;

const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const hide = (isHidden) => results.classList.toggle("fer-guessing", isHidden);

function guess(label, word) {
    const winners = [...results.querySelectorAll(".fer-card")].map((card) => card.dataset.winner);
    const { top } = results.querySelector(".fer-verdict").dataset;
    faces += 1;
    hits += label === top;
    const { agree, tally } = part(".fer-guess").dataset;
    const count = winners.filter((winner) => winner === label).length;
    hide(false);
    part("[role=status]").textContent =
        `${fill(agree, { label: word, count, total: winners.length })} ${faces > 1 ? fill(tally, { count: hits, total: faces }) : ""}`;
    results.querySelector(".fer-verdict").focus({ preventScroll: true });
}

element.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-guess]");
    if (button) guess(button.dataset.guess, button.textContent);
});
element.addEventListener("change", ({ target: { checked } }) => {
    part("[role=status]").textContent = checked && asked ? part(".fer-guess").dataset.next : "";
    if (!checked) hide(false);
});
document.addEventListener("fer-answer", ({ detail }) => {
    const look = detail.querySelector(".fer-verdict")?.dataset.look ?? "";
    if (look === asked) return;
    asked = look;
    part("[role=status]").textContent = "";
    hide(part("input").checked && !!look);
    if (results.matches(".fer-guessing")) part("[data-guess]").focus({ preventScroll: true });
});

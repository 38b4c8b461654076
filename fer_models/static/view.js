// The answers as elements, with the classes of the other page, so that they look alike.
import { findMajority } from "./summary.js";
import { doubts, labels, numbers as N } from "./settings.js";
import { count, decimal, has, percent, say } from "./words.js";

export function make(tag, attributes = {}, ...children) {
    const isSvg = ["svg", "g", "rect", "text", "image", "title"].includes(tag);
    const node = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child != null && child !== ""));
    return node;
}

export const sayLabel = (label) => say(`label.${label}`);

/** Why there is no answer: the id of one sentence, and the sentence. */
export const findTrouble = (reason) => [`static.error.${reason}`, `error.${reason}`].find(has) ?? "error.unexpected";
export const sayTrouble = (reason) => say(findTrouble(reason), { megapixels: N.MAX_PIXELS / 1e6, megabytes: N.MAX_FILE_MB });

export const renderMessage = (text, isError = false) =>
    make("div", { class: `fer-message${isError ? " fer-message-error" : ""}`, role: isError ? "alert" : null }, make("p", {}, text));

const capitalize = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const sayCount = (number) => (has(`count.${number}`) ? say(`count.${number}`) : String(number));
const describeHint = ({ id, value }) => say(`hint.${id}`, { value: Math.round(value) });

function describeVote({ label, models }) {
    const names = [models.slice(0, -1).join(", "), models.at(-1)].filter(Boolean).join(` ${say("verdict.and")} `);
    return say(models.length === 1 ? "verdict.others" : "verdict.others_many", { models: names, label: sayLabel(label) });
}

// Whether no label has more than half of the models, or another is more probable on average.
/** A share that is just below the threshold as it is told: not rounded up to the threshold. */
export const roundDown = (share) => (share >= N.SURE_PROBABILITY ? share : Math.min(share, N.SURE_PROBABILITY - 0.01));

function isSplit({ models, votes, favourite, sure }) {
    if (models.length === 1 || sure) return false;
    return findMajority(votes) !== favourite || 2 * votes[0].models.length <= models.length;
}

/** The answer in two sentences, as the other page says it: the label, and how far the models agree on it. */
export function describeVerdict(answer) {
    const { models, votes, average, favourite, sure, hints } = answer;
    const total = models.length, share = roundDown(average[favourite]), [{ models: voters }, ...rest] = votes, split = isSplit(answer);
    const words = { label: sayLabel(favourite), share: percent(share, 0) };
    const count = { count: sayCount(voters.length), total: sayCount(total) };
    let key = split ? "split" : sure ? "sure" : "probably";
    let sentence = split ? say("verdict.average", words)
        : total === 1 ? say("verdict.one", { model: voters[0] }) : say(rest.length ? "verdict.most" : "verdict.all", count);
    if (!split && share < N.SURE_PROBABILITY) sentence = say("verdict.weakly", { sentence });
    const said = (split ? votes : rest).map(describeVote);
    const doubt = hints.find(({ id }) => doubts.includes(id));
    if (doubt) key = doubt.id;
    const sentences = [sentence, ...said].join("; ");
    return [capitalize(say(`verdict.${key}`, words)), `${capitalize(sentences)}.`];
}

export function renderVerdict(answer) {
    const [headline, sentence] = describeVerdict(answer);
    const notes = [];
    if (answer.face_index === null) notes.push(say("faces.whole"));
    else if (answer.faces.length > 1) notes.push(`${say("faces.number", { number: answer.face_index + 1, count: answer.faces.length })}.`);
    if (answer.face?.turned_degrees) notes.push(say("faces.turned", { degrees: Math.abs(Math.round(answer.face.turned_degrees)) }));
    const hints = answer.hints.map(describeHint);
    return make("div", { class: `fer-verdict${answer.sure ? "" : " fer-unsure"}` },
        make("h2", { class: "fer-headline" }, headline),
        make("p", { class: "fer-agreement" }, sentence),
        make("p", { class: "fer-notes" }, notes.join(" ")),
        hints.length ? make("p", { class: "fer-hints" }, make("b", {}, say("hint.title")), ` ${hints.join(" ")}`) : "",
        make("p", { class: "fer-small" }, say("verdict.disclaimer")));
}

function describeDoubt({ models, hints }) {
    const said = hints.filter(({ id }) => doubts.includes(id));
    if (said.length) return said.map(describeHint).join(" ");
    const total = models.length, share = percent(N.SURE_PROBABILITY, 0);
    return say(total === 1 ? "verdict.threshold_one" : "verdict.threshold", { share, count: Math.ceil(N.SURE_AGREEMENT * total), total });
}

/** That there is no face, with another photo as the first way out, and the whole picture as the second. */
export function renderNoFace(isAnimated, chooseOther, takeWhole) {
    const words = [say("faces.none"), isAnimated ? say("hint.animated") : ""].filter(Boolean).join(" ");
    return make("div", { class: "fer-message fer-no-face-found", role: "alert" }, make("h2", {}, say("error.no_face")), make("p", {}, words),
        make("p", {}, make("button", { type: "button", class: "fer-button fer-primary", onclick: chooseOther }, say("photo.other")),
            make("button", { type: "button", class: "fer-button", id: "whole", onclick: takeWhole }, say("photo.whole"))));
}

/** One card a model; without an answer, empty ones. */
export function renderCards(models, answer) {
    const majority = answer && !isSplit(answer) ? findMajority(answer.votes) : null;
    return make("ol", { class: "fer-cards", "aria-hidden": answer ? null : "true" }, ...models.map((model) => renderCard(model, majority)));
}

function renderCard({ model, winner, probabilities, test_labels, test_accuracy }, majority) {
    const vote = !winner || !majority ? "" : winner === majority ? "agrees" : "differs";
    const said = winner ? [sayLabel(winner), " ", make("small", {}, percent(probabilities[winner], 0))] : ["–"];
    return make("li", { class: `fer-card${vote ? ` fer-${vote}` : ""}`, "data-model": model, "data-winner": winner ?? "" },
        make("h3", { class: "fer-name" }, model),
        make("p", { class: "fer-winner" }, ...said),
        make("p", { class: "fer-vote" }, vote && say(`card.${vote}`)),
        make("dl", { "aria-hidden": "true" }, ...labels.map((label) => renderBar(label, probabilities?.[label], label === winner))),
        make("p", { class: "fer-small" }, say(`card.accuracy.${test_labels}`, { accuracy: percent(test_accuracy, 0) })));
}

function renderBar(label, share, isBest) {
    const fill = make("span");
    fill.style.width = `${100 * (share ?? 0)}%`;
    return make("div", { class: `fer-bar${isBest ? " fer-best" : ""}` },
        make("dt", {}, sayLabel(label)), make("dd", {}, fill, make("b", {}, share == null ? "" : percent(share, 0))));
}

/** Every label's probability by every model and their average, then what is known of each model. */
export function renderTable(answer) {
    const { models, average } = answer;
    const columns = [...models.map(({ model, probabilities }) => [model, probabilities]), [say("table.average"), average]];
    const row = (label) => make("tr", {}, make("th", { scope: "row" }, sayLabel(label)), ...columns.map(([, shares]) => {
        const isBest = shares[label] === Math.max(...Object.values(shares));
        const cell = make("td", { class: isBest ? "fer-best" : null }, percent(shares[label], 0));
        cell.style.setProperty("--share", `${100 * shares[label]}%`);
        return cell;
    }));
    const facts = {
        accuracy: (one) => [percent(one.test_accuracy), make("small", {}, say(`table.faces.${one.test_labels}`, { n: count(one.test_images) }))],
        time: (one) => [`${decimal(one.latency_ms)} ms`],
        size: (one) => [`${decimal(one.size_mb)} MB`],
    };
    const more = Object.entries(facts).map(([key, describe]) => make("tr", { class: "fer-fact" },
        make("th", { scope: "row" }, say(`table.${key}`)), ...models.map((one) => make("td", {}, ...describe(one))), make("td")));
    const table = make("table", { class: "fer-heat" },
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, say("table.label")),
            ...columns.map(([name]) => make("th", { scope: "col" }, make("span", { class: "fer-name" }, name))))),
        make("tbody", {}, ...Object.keys(average).map(row), ...more));
    return [make("div", { class: "fer-scroll", role: "region", tabindex: "0", "aria-label": say("table.caption") }, table),
        answer.sure ? "" : make("p", { class: "fer-small" }, describeDoubt(answer))];
}

/** A box over a picture: a light line of this width with a dark edge, which is seen on any photo. */
export function renderBox([x0, y0, x1, y1], line, unit) {
    const box = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: unit, fill: "none" };
    return [make("rect", { class: "fer-edge", ...box, "stroke-width": line + 0.7 * unit }), make("rect", { class: "fer-box", ...box, "stroke-width": line })];
}

/** The photo with a box around each face; `choose(index)` when one is clicked. */
export function renderPhoto(url, [width, height], faces, chosen, choose) {
    const unit = Math.max(width, height) / 100;
    const boxes = faces.map(({ box_xyxy: box }, i) => {
        const [x, y] = box;
        const number = faces.length > 1
            ? [make("rect", { class: "fer-tag", x, y, width: 5.5 * unit, height: 5.5 * unit, rx: unit }),
                make("text", { x: x + 2.75 * unit, y: y + 2.75 * unit, "font-size": 4 * unit }, String(i + 1))]
            : [];
        return make("g", { class: `fer-face${i === chosen ? " fer-chosen" : ""}`, "data-face": i, onclick: () => choose(i) },
            make("title", {}, say("faces.number", { number: i + 1, count: faces.length })),
            ...renderBox(box, (i === chosen ? 1.2 : 0.7) * unit, unit), ...number);
    });
    boxes.sort((a, b) => a.classList.contains("fer-chosen") - b.classList.contains("fer-chosen"));
    const name = faces.length ? say("photo.with_faces", { count: faces.length }) : say("photo.alt");
    return make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name },
        make("image", { href: url, width, height }), ...boxes);
}

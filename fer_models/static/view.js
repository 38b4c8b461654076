// The answers as elements, with the classes of the other page, so that they look alike.
import { count, decimal, has, percent, say, sayTag } from "./words.js";

export function make(tag, attributes = {}, ...children) {
    const isSvg = ["svg", "g", "rect", "text", "image", "title", "path"].includes(tag);
    const node = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child != null && child !== ""));
    return node;
}

export const sayLabel = (label) => say(`label.${label}`);

/** Why there is no answer, in one sentence. */
export function sayTrouble(reason, settings) {
    const values = { megapixels: settings ? settings.maxPixels / 1e6 : "", megabytes: settings ? settings.maxBytes / 1024 ** 2 : "" };
    const key = [`static.error.${reason}`, `error.${reason}`].find(has) ?? "error.unexpected";
    return say(key, values);
}

export const renderMessage = (text, isError = false) =>
    make("div", { class: `fer-message${isError ? " fer-message-error" : ""}`, role: isError ? "alert" : null }, make("p", {}, text));

export function describeVotes({ models, votes }) {
    const total = models.length, [{ label, models: names }, ...others] = votes;
    const word = sayLabel(label);
    const hasMajority = names.length > Math.max(others[0]?.models.length ?? 0, 1);
    const list = (ones) => [ones.slice(0, -1).join(", "), ones.at(-1)].filter(Boolean).join(` ${say("verdict.and")} `);
    const sayOther = (vote) => say(vote.models.length === 1 ? "verdict.others" : "verdict.others_many", { models: list(vote.models), label: sayLabel(vote.label) });
    if (total === 1) return [say("verdict.one", { model: names[0], label: word }), others.map(sayOther)];
    if (!others.length) return [say("verdict.all", { total, label: word }), []];
    if (hasMajority) return [say("verdict.most", { count: names.length, total, label: word }), others.map(sayOther)];
    return [say("verdict.split"), votes.map(sayOther)];
}

const describeHint = ({ id, value }) => say(`hint.${id}`, { value: Math.round(value) });

export function renderVerdict(answer, settings) {
    const [headline, notes] = describeVotes(answer);
    const doubts = answer.hints.filter(({ id }) => settings.doubts.includes(id));
    if (answer.face_index === null) notes.push(say("faces.whole"));
    else if (answer.faces.length > 1) notes.push(say("faces.which", { number: answer.face_index + 1, count: answer.faces.length }));
    if (answer.face?.turned_degrees) notes.push(say("faces.turned", { degrees: Math.abs(Math.round(answer.face.turned_degrees)) }));
    const total = answer.models.length;
    const small = answer.sure || doubts.length ? [] : [say(total === 1 ? "verdict.threshold_one" : "verdict.threshold", {
        share: percent(settings.sure.probability, 0), count: Math.ceil(settings.sure.agreement * total), total,
    })];
    small.push(say("verdict.disclaimer"));
    const hints = answer.hints.map(describeHint);
    return make("div", { class: "fer-verdict", role: "status" },
        make("p", { class: "fer-headline" }, headline),
        make("p", { class: "fer-notes" }, notes.join(" ")),
        make("p", { class: "fer-average" }, make("span", {}, say("verdict.average", { total })), " ",
            make("strong", {}, `${sayLabel(answer.favourite)} ${percent(answer.average[answer.favourite], 0)}`), " ",
            answer.sure ? "" : make("span", { class: "fer-chip" }, say("verdict.unsure"))),
        hints.length ? make("p", { class: "fer-hints" }, make("b", {}, say("hint.title")), ` ${hints.join(" ")}`) : "",
        make("p", { class: "fer-small" }, small.join(" ")));
}

export function renderCards(models, votes) {
    const [first, second] = votes ?? [];
    const majority = first && first.models.length > Math.max(second?.models.length ?? 0, 1) ? first.label : null;
    return make("ol", { class: "fer-cards" }, ...models.map((model) => renderCard(model, majority)));
}

function renderCard(model, majority) {
    const vote = !model.winner || !majority ? "" : model.winner === majority ? "agrees" : "differs";
    const facts = say(`card.accuracy.${model.test_labels}`, { accuracy: percent(model.test_accuracy), n: count(model.test_images) });
    const small = [model.winner ? say("card.latency", { latency: decimal(model.latency_ms) }) : "", say("card.size", { size: decimal(model.size_mb) }), sayTag(model.tag)];
    const winner = model.winner
        ? [sayLabel(model.winner), " ", make("small", {}, percent(model.probabilities[model.winner], 0))]
        : ["–"];
    return make("li", { class: `fer-card${vote ? ` fer-${vote}` : ""}`, "data-model": model.model, "data-winner": model.winner ?? "" },
        make("h3", { class: "fer-name" }, model.model),
        make("p", { class: "fer-winner" }, ...winner),
        make("p", { class: "fer-vote" }, vote ? say(`card.${vote}`) : ""),
        make("dl", { "aria-label": say("card.probabilities", { model: model.model }) },
            ...Object.entries(model.probabilities).map(([label, share]) => renderBar(label, share, label === model.winner))),
        make("p", { class: "fer-small" }, facts, make("br"), small.filter(Boolean).join(" · ")));
}

function renderBar(label, share, isBest) {
    const fill = make("span");
    fill.style.width = `${100 * (share ?? 0)}%`;
    return make("div", { class: `fer-bar${isBest ? " fer-best" : ""}` },
        make("dt", {}, sayLabel(label)), make("dd", {}, fill, make("b", {}, share === null ? "" : percent(share, 0))));
}

export function renderTable({ models, average }) {
    const columns = [...models.map(({ model, probabilities }) => [model, probabilities]), [say("table.average"), average]];
    const row = (label) => make("tr", {}, make("th", { scope: "row" }, sayLabel(label)), ...columns.map(([, shares]) => {
        const isBest = shares[label] === Math.max(...Object.values(shares));
        const cell = make("td", { class: isBest ? "fer-best" : null }, percent(shares[label], 0));
        cell.style.setProperty("--share", `${100 * shares[label]}%`);
        return cell;
    }));
    return make("table", { class: "fer-heat" }, make("caption", {}, say("table.caption")),
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, say("table.label")),
            ...columns.map(([name]) => make("th", { scope: "col" }, make("span", { class: "fer-name" }, name))))),
        make("tbody", {}, ...Object.keys(average).map(row)));
}

/** The photo with a box around each face; `choose(index)` when one is clicked. */
export function renderPhoto(url, [width, height], faces, chosen, choose) {
    const unit = Math.max(width, height) / 100;
    const boxes = faces.map(({ box_xyxy: [x0, y0, x1, y1] }, i) => {
        const line = (i === chosen ? 1.2 : 0.7) * unit, box = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: unit, fill: "none" };
        const number = faces.length > 1
            ? [make("rect", { class: "fer-tag", x: x0, y: y0, width: 5.5 * unit, height: 5.5 * unit, rx: unit }),
                make("text", { x: x0 + 2.75 * unit, y: y0 + 2.75 * unit, "font-size": 4 * unit }, String(i + 1))]
            : [];
        return make("g", { class: `fer-face${i === chosen ? " fer-chosen" : ""}`, "data-face": i, onclick: () => choose(i) },
            make("title", {}, say("faces.number", { number: i + 1 })),
            make("rect", { class: "fer-edge", ...box, "stroke-width": line + 0.7 * unit }),
            make("rect", { class: "fer-box", ...box, "stroke-width": line }), ...number);
    });
    boxes.sort((a, b) => a.classList.contains("fer-chosen") - b.classList.contains("fer-chosen"));
    const name = faces.length ? say("photo.with_faces", { count: faces.length }) : say("photo.alt");
    return make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name },
        make("image", { href: url, width, height }), ...boxes);
}

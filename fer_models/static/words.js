// The words of the page: the JSON files of the other page, and its ways to write numbers.
import texts from "./texts.js";

let words = {};
export let language;

export function speak(code) {
    words = { ...texts.en, ...texts[code] };
    language = code;
    document.documentElement.lang = code;
    document.title = say("app.title");
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
    for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
}

export const languages = Object.entries(texts).map(([code, known]) => [code, known["language.name"] ?? code]);
export const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
export const sayTag = (tag) => words[`tag.${tag}`] ?? tag;
export const has = (key) => key in words;

export const decimal = (number, digits = 1) => number.toFixed(digits).replace(".", say("number.decimal"));
export const percent = (share, digits = 1) => say("number.percent", { number: decimal(100 * share, digits) });
export const count = (number) => number < Number(say("number.grouped_from"))
    ? String(number)
    : String(number).replace(/\B(?=(\d{3})+$)/g, say("number.thousands"));

const asked = [new URLSearchParams(location.search).get("lang") ?? "", ...navigator.languages].map((tag) => tag.split("-")[0]);
speak(asked.find((code) => Object.hasOwn(texts, code)) ?? "en");

// What the models say together.
import { round } from "./search.js";

export const best = (probabilities) => Object.keys(probabilities).reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));
export const toPlaces = (value, places) => round(value * 10 ** places) / 10 ** places;

/** The label that at least two models chose, and more than any other; null if there is none. */
export const findMajority = ([first, second]) => (first.models.length > Math.max(second?.models.length ?? 0, 1) ? first.label : null);

/** The models' answers together: votes, average, and whether to believe it; the rules of `inference.Comparison`. */
export function summarize(answers, hints, { sure, doubts }) {
    const winners = answers.map(({ probabilities }) => best(probabilities));
    const votes = [...new Set(winners)]
        .map((label) => ({ label, models: answers.filter((_, i) => winners[i] === label).map(({ model }) => model) }))
        .sort((a, b) => b.models.length - a.models.length);
    const labels = answers.length ? Object.keys(answers[0].probabilities) : [];
    const average = Object.fromEntries(labels.map((label) => [
        label, answers.reduce((sum, { probabilities }) => sum + probabilities[label], 0) / answers.length,
    ]));
    const favourite = labels.length ? best(average) : null;
    const agreement = winners.filter((winner) => winner === favourite).length;
    const isSure = answers.length > 0 && !hints.some(({ id }) => doubts.includes(id)) && average[favourite] >= sure.probability
        && agreement >= sure.agreement * answers.length && (answers.length === 1 || findMajority(votes) !== null);
    return { votes, average, favourite, agreement, sure: isSure };
}

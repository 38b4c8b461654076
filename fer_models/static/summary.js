// Which models are asked, and what they say together.
import { round } from "./search.js";
import { doubts, models, names, numbers as N, tags } from "./settings.js";

/** The models of a tag; those that were not trained so as they are otherwise. */
export function chooseModels(tag = tags[0], chosen = names) {
    if (!tags.includes(tag)) throw new Error(`There is no tag ${tag}. Choose one of: ${tags.join(", ")}.`);
    return chosen.map((name) => {
        const kinds = models.filter(({ model }) => model === name);
        if (!kinds.length) throw new Error(`There is no model ${name}. Choose one of: ${names.join(", ")}.`);
        return kinds.find((one) => one.tag === tag) ?? kinds[0];
    });
}

export const best = (probabilities) => Object.keys(probabilities).reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));
export const toPlaces = (value, places) => round(value * 10 ** places) / 10 ** places;

/** The label that at least two models chose, and more than any other; null if there is none. */
export const findMajority = ([first, second]) => (first.models.length > Math.max(second?.models.length ?? 0, 1) ? first.label : null);

/** The models' answers together: votes, average, and whether to believe it; the rules of `inference.Comparison`. */
export function summarize(answers, hints) {
    const winners = answers.map(({ probabilities }) => best(probabilities));
    const votes = [...new Set(winners)]
        .map((label) => ({ label, models: answers.filter((_, i) => winners[i] === label).map(({ model }) => model) }))
        .sort((a, b) => b.models.length - a.models.length);
    if (!answers.length) return { votes, average: {}, favourite: null, agreement: 0, sure: false };
    const average = Object.fromEntries(Object.keys(answers[0].probabilities).map((label) => [
        label, answers.reduce((sum, { probabilities }) => sum + probabilities[label], 0) / answers.length,
    ]));
    const favourite = best(average), agreement = winners.filter((winner) => winner === favourite).length;
    const sure = !hints.some(({ id }) => doubts.includes(id)) && average[favourite] >= N.SURE_PROBABILITY
        && agreement >= N.SURE_AGREEMENT * answers.length && (answers.length === 1 || findMajority(votes) !== null);
    return { votes, average, favourite, agreement, sure };
}

// An answer as a file. The face is in neither: a picture that is sent on shows a person beside a guess.
import { describeVerdict, sayLabel } from "./view.js";
import { percent, say } from "./words.js";

const FONT = "system-ui, sans-serif", VERDICT_FONT = `700 26px ${FONT}`, VERDICT_LINE = 34;

function download(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function saveJson(answer) {
    download(new Blob([JSON.stringify(answer, null, 2)], { type: "application/json" }), "fer-comparison.json");
}

// A text in lines that are no wider than `width`, in the font of the context.
function wrap(context, text, width) {
    const lines = [];
    for (const word of text.split(" ")) {
        const longer = lines.length ? `${lines.at(-1)} ${word}` : "";
        if (longer && context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
        else lines.push(word);
    }
    return lines;
}

export function savePng(answer) {
    const labels = Object.keys(answer.average), columns = [...answer.models.map((one) => [one.model, one.probabilities]), [say("table.average"), answer.average]];
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    canvas.width = 200 + 190 * columns.length;
    context.font = VERDICT_FONT;
    const verdict = wrap(context, describeVerdict(answer).join(" "), canvas.width - 48);
    canvas.height = 156 + VERDICT_LINE * verdict.length + 44 * labels.length;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const write = (text, x, y, font, color = "#18181b") => {
        context.font = font;
        context.fillStyle = color;
        context.fillText(text, x, y);
    };
    verdict.forEach((line, i) => write(line, 24, 52 + VERDICT_LINE * i, VERDICT_FONT));
    write(say("verdict.disclaimer"), 24, canvas.height - 28, `16px ${FONT}`, "#52525b");
    context.translate(0, VERDICT_LINE * (verdict.length - 1));
    columns.forEach(([name], i) => write(name, 200 + 190 * i, 100, `600 16px ${FONT}`));
    labels.forEach((label, row) => {
        write(sayLabel(label), 24, 142 + 44 * row, `18px ${FONT}`);
        columns.forEach(([, shares], i) => {
            const x = 200 + 190 * i, y = 118 + 44 * row, isBest = shares[label] === Math.max(...Object.values(shares));
            context.fillStyle = "#f4f4f5";
            context.fillRect(x, y, 170, 34);
            context.fillStyle = isBest ? "#99f6e4" : "#d4d4d8";
            context.fillRect(x, y, 170 * shares[label], 34);
            write(percent(shares[label], 0), x + 8, y + 24, `${isBest ? 700 : 400} 18px ${FONT}`);
        });
    });
    canvas.toBlob((blob) => download(blob, "fer-comparison.png"));
}

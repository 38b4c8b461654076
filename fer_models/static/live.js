// Live: the camera's picture, one at a time, at the pace of this device; pictures that come meanwhile are dropped.
import { ask, isReady } from "./fer.js";
import { Tracker } from "./tracking.js";
import { describeVerdict, findTrouble, make, renderMessage, sayLabel } from "./view.js";
import { decimal, percent, say } from "./words.js";
import { best, summarize } from "./summary.js";

const FRAME_SIDE = 640;
const ANSWERS_EVERY_MS = 250, SPEAK_EVERY_MS = 5000; // numbers that change faster cannot be read, or heard
const AWAY_MS = 10_000;
const find = (selector) => document.querySelector(selector);
const video = find("#stage video"), stage = find("#stage"), overlay = find("#overlay");
const button = find("#live-button"), message = find("#live-message"), facing = find("#facing"), spoken = find("#live-spoken");
let settings = null, getTag = null;
let stream = null, run = 0;

/** Give the tab its life; `tag()` says which way of training is chosen. */
export function startLive(theSettings, tag) {
    settings = theSettings;
    getTag = tag;
    button.onclick = () => (stream ? stopLive() : start());
    facing.onchange = () => stream && start();
}

export function stopLive(key = "live.hint") {
    run++;
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    overlay.replaceChildren();
    spoken.textContent = "";
    setWord(button, "live.start");
    setWord(message, key);
}

function setWord(node, key) {
    node.dataset.word = key;
    node.textContent = say(key);
}

function fail(reason) {
    const alert = renderMessage("", true);
    setWord(alert.querySelector("p"), findTrouble(reason));
    stopLive("");
    delete message.dataset.word;
    message.replaceChildren(alert);
}

async function start() {
    stopLive("live.starting");
    const mine = run;
    if (!navigator.mediaDevices) return fail("camera_insecure");
    try {
        const size = { width: { ideal: FRAME_SIDE }, height: { ideal: 480 } };
        const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing.value, ...size }, audio: false });
        if (mine !== run) return camera.getTracks().forEach((track) => track.stop());
        stream = video.srcObject = camera;
        const [track] = camera.getVideoTracks();
        track.addEventListener("ended", () => mine === run && stopLive("live.ended"));
        stage.classList.toggle("mirrored", (track.getSettings().facingMode ?? facing.value) !== "environment");
        await video.play();
    } catch (error) {
        if (mine !== run) return;
        const reasons = { NotAllowedError: "camera_denied", NotFoundError: "camera_missing", OverconstrainedError: "camera_missing" };
        return fail(reasons[error.name] ?? "camera_busy");
    }
    setWord(button, "live.stop");
    setWord(message, isReady ? "" : "static.loading");
    watch(mine);
}

const nextFrame = () => Promise.race([
    new Promise((resolve) => (video.requestVideoFrameCallback ?? requestAnimationFrame.bind(window)).call(video, resolve)),
    new Promise((resolve) => setTimeout(resolve, 250)),
]);

async function watch(mine) {
    const tracker = new Tracker(), times = [];
    let hiddenAt = null, answeredAt = -Infinity, spokenAt = -Infinity;
    while (mine === run) {
        if (document.hidden || !video.videoWidth) {
            if (document.hidden) hiddenAt ??= performance.now();
            if (hiddenAt && performance.now() - hiddenAt > AWAY_MS) return stopLive("live.away");
            await new Promise((resolve) => setTimeout(resolve, 200));
            continue;
        }
        hiddenAt = null;
        const scale = Math.min(1, FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
        let answer;
        try {
            const size = { resizeWidth: Math.round(scale * video.videoWidth), resizeHeight: Math.round(scale * video.videoHeight) };
            const bitmap = await createImageBitmap(video, size);
            answer = await ask("look", { bitmap, options: { tag: getTag() } }, [bitmap]);
        } catch (error) {
            if (mine === run) fail(error.reason ?? "camera_busy");
            return;
        }
        if (mine !== run) return;
        if (message.textContent) setWord(message, "");
        const now = performance.now();
        const faces = tracker.update(answer.faces, now / 1000).map((face) => ({ ...face, ...summarize(face.models, face.hints, settings) }));
        times.push(now);
        while (now - times[0] > 2000) times.shift();
        const rate = times.length > 1 ? (1000 * (times.length - 1)) / (now - times[0]) : 0;
        stage.dataset.fps = rate.toFixed(2);
        stage.dataset.faces = faces.length;
        draw(faces, answer.size, rate);
        const followed = faces.find(({ id }) => id === tracker.follow(faces));
        if (now - answeredAt > ANSWERS_EVERY_MS) {
            answeredAt = now;
            find("#live-results").replaceChildren(...renderAnswers(followed));
        }
        const words = followed ? describeVerdict(followed, settings).join(" ") : say("live.no_face");
        if (words !== spoken.textContent && now - spokenAt > SPEAK_EVERY_MS) {
            spokenAt = now;
            spoken.textContent = words;
        }
        await nextFrame();
    }
}

function draw(faces, [width, height], rate) {
    const mirrored = stage.classList.contains("mirrored"), unit = width / 100;
    const boxes = faces.map(({ box: [x0, y0, x1, y1], favourite, average }) => {
        const x = mirrored ? width - x1 : x0, box = { x, y: y0, width: x1 - x0, height: y1 - y0, rx: unit, fill: "none" };
        return make("g", {}, make("rect", { class: "fer-edge", ...box, "stroke-width": 1.4 * unit }), make("rect", { class: "fer-box", ...box, "stroke-width": 0.7 * unit }),
            make("text", { x, y: y0 > 8 * unit ? y0 - 2 * unit : y1 + 5 * unit, "font-size": 4 * unit, "stroke-width": unit }, `${sayLabel(favourite)} ${percent(average[favourite], 0)}`));
    });
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    overlay.replaceChildren(...boxes, make("text", { x: width - unit, y: height - 2 * unit, "font-size": 3 * unit, "stroke-width": unit, "text-anchor": "end" }, say("live.fps", { fps: decimal(rate, 0) })));
}

function renderAnswers(face) {
    if (!face) return [make("h2", { class: "fer-live-headline fer-live-empty" }, say("live.no_face"))];
    const rows = face.models.map(({ model, probabilities }) => {
        const winner = best(probabilities);
        const bar = make("span", { class: "fer-live-bar", style: null });
        bar.style.setProperty("--share", `${100 * probabilities[winner]}%`);
        return make("li", {}, make("span", { class: "fer-name" }, model), make("b", {}, sayLabel(winner)), bar, make("span", { class: "fer-live-share" }, percent(probabilities[winner], 0)));
    });
    const [headline, sentence] = describeVerdict(face, settings);
    return [
        make("h2", { class: "fer-live-headline" }, headline),
        make("p", { class: "fer-live-agreement" }, sentence),
        make("ul", { class: "fer-live-rows" }, ...rows),
    ];
}

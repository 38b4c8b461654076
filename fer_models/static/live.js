// Live: the camera's picture, one at a time, at the pace of this device; pictures that come meanwhile are dropped.
import { ask, isReady } from "./fer.js";
import { Tracker } from "./tracking.js";
import { describeVerdict, findTrouble, make, renderBox, roundDown, sayLabel } from "./view.js";
import { decimal, percent, say } from "./words.js";
import { best, summarize } from "./summary.js";

const FRAME_SIDE = 640;
const ANSWERS_EVERY_MS = 250, SPEAK_EVERY_MS = 5000; // numbers that change faster cannot be read, or heard
const AWAY_MS = 10_000;
const TROUBLES = { NotAllowedError: "camera_denied", NotFoundError: "camera_missing", OverconstrainedError: "camera_missing" };
const find = (selector) => document.querySelector(selector);
const video = find("#stage video"), stage = find("#stage"), overlay = find("#overlay");
const button = find("#live-button"), message = find("#live-message"), facing = find("#facing"), spoken = find("#live-spoken");
let getTag = null, stream = null, run = 0;

/** Give the tab its life; `tag()` says which way of training is chosen. */
export function startLive(tag) {
    getTag = tag;
    button.onclick = () => (stream ? stopLive() : start());
    facing.onchange = () => stream && start();
}

export function stopLive(key = "live.hint", isError = false) {
    run++;
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    overlay.replaceChildren();
    spoken.textContent = "";
    setWord(button, "live.start");
    message.className = isError ? "fer-message fer-message-error" : "";
    message.setAttribute("role", isError ? "alert" : "status");
    setWord(message, key);
}

function setWord(node, key) {
    node.dataset.word = key;
    node.textContent = say(key);
}

const fail = (reason) => stopLive(findTrouble(reason), true);
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

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
        setWord(button, "live.stop");
        setWord(message, isReady ? "" : "static.loading");
        await watch(mine);
    } catch (error) {
        if (mine === run) fail(TROUBLES[error.name] ?? error.reason ?? "camera_busy");
    }
}

// A hidden video never calls back, hence the time limit.
const nextFrame = () => Promise.race([
    new Promise((resolve) => (video.requestVideoFrameCallback ?? requestAnimationFrame.bind(window)).call(video, resolve)),
    wait(250),
]);

async function watch(mine) {
    const tracker = new Tracker(), times = [];
    let hiddenAt = null, answeredAt = -Infinity, spokenAt = -Infinity;
    while (mine === run) {
        if (document.hidden || !video.videoWidth) {
            if (document.hidden) hiddenAt ??= performance.now();
            if (hiddenAt && performance.now() - hiddenAt > AWAY_MS) return stopLive("live.away");
            await wait(200);
            continue;
        }
        hiddenAt = null;
        const scale = Math.min(1, FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
        const [resizeWidth, resizeHeight] = [video.videoWidth, video.videoHeight].map((side) => Math.round(scale * side));
        const bitmap = await createImageBitmap(video, { resizeWidth, resizeHeight });
        const answer = await ask("look", { bitmap, options: { tag: getTag() } }, [bitmap]);
        if (mine !== run) return;
        if (message.textContent) setWord(message, "");
        const now = performance.now();
        const faces = tracker.update(answer.faces, now / 1000).map((face) => ({ ...face, ...summarize(face.models, face.hints) }));
        times.push(now);
        while (now - times[0] > 2000) times.shift();
        const rate = (1000 * (times.length - 1)) / (now - times[0] || 1);
        stage.dataset.fps = rate.toFixed(2);
        stage.dataset.faces = faces.length;
        draw(faces, answer.size, rate);
        const followed = faces.find(({ id }) => id === tracker.follow(faces));
        if (now - answeredAt > ANSWERS_EVERY_MS) {
            answeredAt = now;
            find("#live-results").replaceChildren(...renderAnswers(followed));
        }
        const words = followed ? describeVerdict(followed).join(" ") : say("live.no_face");
        if (words !== spoken.textContent && now - spokenAt > SPEAK_EVERY_MS) {
            spokenAt = now;
            spoken.textContent = words;
        }
        await nextFrame();
    }
}

function draw(faces, [width, height], rate) {
    const isMirrored = stage.classList.contains("mirrored"), unit = width / 100;
    const write = (x, y, size, text, anchor) => make("text", { x, y, "font-size": size * unit, "stroke-width": unit, "text-anchor": anchor }, text);
    const boxes = faces.flatMap(({ box: [left, top, right, bottom], favourite, average }) => {
        const box = isMirrored ? [width - right, top, width - left, bottom] : [left, top, right, bottom];
        const words = `${sayLabel(favourite)} ${percent(roundDown(average[favourite]), 0)}`;
        return [...renderBox(box, 0.7 * unit, unit), write(box[0], top > 8 * unit ? top - 2 * unit : bottom + 5 * unit, 4, words)];
    });
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    overlay.replaceChildren(...boxes, write(width - unit, height - 2 * unit, 3, say("live.fps", { fps: decimal(rate, 0) }), "end"));
}

function renderAnswers(face) {
    if (!face) return [make("h2", { class: "fer-live-headline fer-live-empty" }, say("live.no_face"))];
    const rows = face.models.map(({ model, probabilities }) => {
        const winner = best(probabilities), bar = make("span", { class: "fer-live-bar" });
        bar.style.setProperty("--share", `${100 * probabilities[winner]}%`);
        return make("li", {}, make("span", { class: "fer-name" }, model), make("b", {}, sayLabel(winner)), bar, make("span", { class: "fer-live-share" }, percent(probabilities[winner], 0)));
    });
    const [headline, sentence] = describeVerdict(face);
    return [
        make("h2", { class: "fer-live-headline" }, headline),
        make("p", { class: "fer-live-agreement" }, sentence),
        make("ul", { class: "fer-live-rows" }, ...rows),
    ];
}

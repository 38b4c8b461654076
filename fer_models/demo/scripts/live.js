// Live: shows the camera, sends one picture at a time to the server, and lays the answer over the camera's picture.
// gradio runs this when the tab is first shown, with `element`, `props`, `server` and `watch`.

const FRAME_SIDE = 640; // longer side of what is sent, in pixels
const FRAME_EVERY_MS = 80; // at most 12 pictures a second: more looks no smoother, and takes time from other visitors
const ANSWERS_EVERY_MS = 250; // numbers that change faster cannot be read
const SPEAK_EVERY_MS = 5000; // for screen readers
const RETRY_MS = 1500;
const LATE_MS = 4000; // an answer that takes longer is no longer about the picture that is shown
const HUNT_MS = 20000; // so long the models are dared to part
const MAX_LOST = 5; // answers in a row that did not come

const live = element.querySelector(".fer-live");
const find = (selector) => live.querySelector(selector);
const video = find("video"), overlay = find(".fer-live-overlay"), message = find(".fer-live-message");
const answers = find(".fer-live-answers"), spoken = find(".fer-live-spoken"), button = find(".fer-live-start");
const splitButton = find(".fer-split button"), splitNote = find(".fer-live-hunt"), splitCard = find(".fer-split-card");
const modelSelect = find(".fer-live-models"), cameraSelect = find(".fer-live-cameras select");
const sides = [...cameraSelect.options]; // front and back, as phones have them
const canvas = document.createElement("canvas");

let stream = null; // the camera's
let session = null; // made up anew whenever the camera is switched on
let run = 0; // counts starts and stops, so that what was begun before knows that its time is over
let messageKey = "live.hint", buttonKey = "live.start", mirrored = true;
let hunt = null, hunted = null; // for the widest split, and the one before: until when, how wide, how many on each side

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const isHidden = () => document.hidden || live.offsetParent === null; // another tab of the browser, or of the page

function say(key) {
    messageKey = key;
    message.textContent = key ? props.page.words[key] : "";
}

function setState(state) {
    live.dataset.state = state;
    buttonKey = state === "idle" ? "live.start" : state === "stopped" ? "live.go_on" : "live.stop";
    button.textContent = props.page.words[buttonKey];
    if (state !== "live") endHunt();
}

// The models are dared to part: the widest split of some seconds is kept, with its bars and without the face.
const fill = (key, values) => props.page.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
function watchSplit({ split, votes, faces, answers: html }, now) {
    hunt.seen ||= faces;
    if (split > hunt.split && votes.length > 1) {
        Object.assign(hunt, { split, votes: votes.join(" : ") });
        splitCard.innerHTML = html;
        splitCard.querySelector(".fer-live-timeline").remove();
        splitCard.hidden = false;
    }
    if (now > hunt.until) return endHunt();
    splitNote.textContent = fill("split.running", { votes: hunt.votes ?? props.page.words["split.yet"], seconds: Math.ceil((hunt.until - now) / 1000) });
}
function endHunt() {
    [hunt, hunted] = [null, hunt ?? hunted];
    if (hunted) splitNote.textContent = fill(hunted.votes ? "split.done" : hunted.seen ? "split.none" : "split.unseen", hunted);
}

function translate() {
    const { words, models, empty } = props.page;
    for (const node of live.querySelectorAll("[data-word]")) node.textContent = words[node.dataset.word];
    for (const node of live.querySelectorAll("[data-label]")) node.setAttribute("aria-label", words[node.dataset.label]);
    const chosen = modelSelect.value;
    modelSelect.replaceChildren(new Option(words["live.all"], ""), ...models.map((name) => new Option(name, name)));
    modelSelect.value = chosen;
    button.textContent = words[buttonKey];
    answers.dataset.last = words["live.last"];
    say(messageKey);
    if (!hunt) endHunt();
    splitCard.hidden = true; // the server's words, like the last answer's, are not said again
    if (live.dataset.state !== "live") delete answers.dataset.answered;
    if (!("answered" in answers.dataset)) answers.innerHTML = empty;
}

function waitWith(key) {
    live.dataset.state = "waiting";
    overlay.innerHTML = "";
    say(key);
}

function stop(key, state = "stopped") {
    run++;
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = stream = null;
    overlay.innerHTML = "";
    spoken.textContent = "";
    say(key);
    setState(state);
}

async function start() {
    stop("live.starting", "starting");
    const mine = run, chosen = cameraSelect.value, size = { width: { ideal: 640 }, height: { ideal: 480 } };
    const which = sides.includes(cameraSelect.selectedOptions[0]) ? { facingMode: chosen } : { deviceId: { exact: chosen } };
    try {
        const ask = (video) => navigator.mediaDevices.getUserMedia({ video, audio: false });
        const camera = await ask({ ...which, ...size }).catch((error) => {
            if (error.name !== "OverconstrainedError") throw error;
            return ask(size); // it was unplugged
        });
        if (mine !== run) return camera.getTracks().forEach((track) => track.stop());
        video.srcObject = stream = camera;
        const [track] = camera.getVideoTracks();
        track.addEventListener("ended", () => mine === run && stop("live.ended"));
        const { facingMode, deviceId } = track.getSettings();
        mirrored = (facingMode ?? chosen) !== "environment";
        live.classList.toggle("fer-live-mirrored", mirrored);
        await video.play();
        const devices = await navigator.mediaDevices.enumerateDevices(); // says all only once one is in use
        listCameras(devices.filter(({ kind }) => kind === "videoinput"), facingMode, deviceId);
    } catch (error) {
        if (mine === run && !stream) document.dispatchEvent(new CustomEvent("fer-problem", { detail: error }));
        if (mine === run) stop(stream ? "live.broken" : "", "idle");
    }
    if (mine !== run) return;
    say("");
    setState("live");
    watchFaces(mine);
}

// A computer's cameras face nowhere in particular, and have names instead.
function listCameras(cameras, facingMode, deviceId) {
    live.classList.toggle("fer-live-one-camera", cameras.length < 2);
    if (facingMode || cameras.length < 2) return;
    const options = cameras.map((camera, index) => new Option(camera.label || index + 1, camera.deviceId));
    cameraSelect.replaceChildren(...options);
    cameraSelect.value = deviceId;
}

// Wait for the camera's next picture. Hidden videos never call back, hence the time limit.
function nextFrame() {
    if (!video.requestVideoFrameCallback) return wait(30);
    return Promise.race([new Promise((resolve) => video.requestVideoFrameCallback(resolve)), wait(250)]);
}

function grabFrame() {
    const scale = Math.min(1, FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(scale * side));
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.8);
}

// One request at a time: the next picture is taken when the answer is there, and those between are never sent.
async function watchFaces(mine) {
    const previous = session;
    session = crypto.randomUUID();
    let startedAt, fresh = nextFrame(), lost = 0, answered = 0, sentAt = -Infinity, answeredAt = -Infinity, spokenAt = -Infinity, hiddenAt = null;
    while (mine === run) {
        if (isHidden() || !video.videoWidth) {
            if (isHidden()) {
                hiddenAt ??= performance.now();
                live.dataset.state = "paused";
                if (performance.now() - hiddenAt > 1000 * props.page.away_s) return stop("live.away");
            }
            await wait(200);
            continue;
        }
        hiddenAt = null;
        await wait(Math.max(0, sentAt + FRAME_EVERY_MS - performance.now()));
        await fresh; // never the same picture twice
        if (mine !== run || isHidden()) continue;
        sentAt = performance.now();
        const frame = grabFrame();
        fresh = nextFrame();
        const late = setTimeout(() => mine === run && waitWith("live.lost"), LATE_MS);
        const asked = { session, previous, frame, mirrored, model: modelSelect.value, language: props.page.language };
        const answer = await server.look(asked);
        clearTimeout(late);
        if (mine !== run) return;
        const now = performance.now(), status = answer?.status ?? "lost";
        lost = status === "lost" ? lost + 1 : 0;
        if (status === "over" || lost >= MAX_LOST) return stop(`live.${status}`);
        if (status !== "live") {
            waitWith(status === "busy" ? "" : `live.${status}`);
            await wait(RETRY_MS);
            continue;
        }
        if (live.dataset.state !== "live") (say(""), setState("live"));
        if (!answered) startedAt = now; // it may have waited for a place until now
        overlay.innerHTML = answer.overlay;
        Object.assign(live.dataset, { answers: ++answered, fps: answer.fps, faces: answer.faces });
        if (hunt) watchSplit(answer, now);
        if (now - answeredAt > ANSWERS_EVERY_MS) {
            answers.innerHTML = answer.answers;
            if (answer.faces) answers.dataset.answered = "";
            answeredAt = now;
            const left = Math.max(0, Math.ceil(props.page.limit_s - (now - startedAt) / 1000));
            button.textContent = `${props.page.words[buttonKey]} · ${left} s`;
        }
        if (answer.spoken !== spoken.textContent && now - spokenAt > SPEAK_EVERY_MS) {
            spoken.textContent = answer.spoken;
            spokenAt = now;
        }
    }
}

// Phones give upright pictures, and turn them with the phone.
video.addEventListener("resize", () => {
    find(".fer-live-stage").style.setProperty("--ratio", video.videoWidth / video.videoHeight);
});
button.addEventListener("click", () => {
    if (live.dataset.state === "idle" || live.dataset.state === "stopped") start();
    else stop("live.hint", "idle");
});
splitButton.addEventListener("click", async () => {
    if (!stream) await start();
    if (stream) hunt = { until: performance.now() + HUNT_MS, split: -1 };
    video.scrollIntoView({ block: "nearest" });
});
cameraSelect.addEventListener("change", () => stream && start());
watch("page", translate);
translate();

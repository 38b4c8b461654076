// Keeps the page for times without a network: a version whole, beside the one before until no page shows that any more.
const version = "VERSION", files = ["FILES"];
const name = `fer-${version}`;

self.addEventListener("install", (event) => {
    event.waitUntil(caches.open(name).then((cache) => cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })))));
});
self.addEventListener("activate", (event) => {
    const others = caches.keys().then((names) => names.filter((one) => one.startsWith("fer-") && one !== name));
    event.waitUntil(others.then((old) => Promise.all(old.map((one) => caches.delete(one)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
    event.respondWith(answer(request));
});

// What is kept first, so that no page mixes two versions; models of other tags are kept when they were asked for.
async function answer(request) {
    const cache = await caches.open(name);
    const url = new URL(request.url);
    const kept = await cache.match(url.pathname.endsWith("/") ? "index.html" : request, { ignoreSearch: true });
    if (kept) return kept;
    const response = await fetch(request);
    if (response.ok && url.pathname.includes("/models/")) await cache.put(request, response.clone()).catch(() => {}); // the disk is full
    return response;
}

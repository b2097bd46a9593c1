// The service worker keeps the program and its shell, so that an installed or open Trivium starts without the node that
// it came from. It never keeps answers of the API.
const cacheName = "trivium-" + "{{.Version}}";
const files = {{.ResourcesToCache}};
const shell = "/";
// Paths that the node answers itself; everything else that is navigated to is a page of the program.
const notPages = /^\/(api|web|healthz|readyz|metrics|plain)(\/|$)|\.(txt|xml|json|webmanifest|js|css)$/;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(cacheName);
    await cache.addAll(files);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((k) => k.startsWith("trivium-") && k !== cacheName);
    await Promise.all(old.map((k) => caches.delete(k)));
    // Claiming at the very first installation would make the page report an update that is none.
    if (old.length) await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || url.pathname.startsWith("/api/")) return;
  if (request.mode === "navigate" && notPages.test(url.pathname)) return;
  event.respondWith((async () => {
    const cache = await caches.open(cacheName);
    if (request.mode === "navigate") return (await cache.match(shell)) || fetch(request);
    return (await cache.match(request)) || fetch(request);
  })());
});

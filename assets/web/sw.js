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
  if (request.mode !== "navigate") {
    event.respondWith(fromCache(request));
  } else if (!notPages.test(url.pathname)) {
    event.respondWith(page(event));
  }
});

async function fromCache(request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(request)) || fetch(request);
}

// A page comes from the node, because its policy lists the nodes that it may call and that list changes. A node that is
// gone refuses at once and a node that hangs costs two seconds: then the kept shell opens, and its program goes on with
// another node.
async function page(event) {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(shell);
  const fresh = fetch(event.request).then((answer) => {
    if (answer.ok && kept && policy(answer) !== policy(kept)) {
      event.waitUntil(fetch(shell, { cache: "no-store" }).then((r) => r.ok && cache.put(shell, r)));
    }
    return answer;
  });
  if (!kept) return fresh;
  const late = new Promise((resolve) => setTimeout(resolve, 2000, kept));
  return Promise.race([fresh.catch(() => kept), late]);
}

function policy(answer) {
  return answer.headers.get("Content-Security-Policy");
}

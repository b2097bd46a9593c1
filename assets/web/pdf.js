// Shows a PDF in the page, drawn by PDF.js. It is loaded when the first PDF is opened. Scripts, forms and links of the file
// do nothing: only its pages are drawn, and their text can be selected.
//
//   const view = trivium.pdf.open(host, source, { page: 3, name: "notes.pdf", areas: false });
//
// host is an empty element that nobody else fills; source is an address of this site or a Uint8Array. The view has
//   goto(n)      shows page n
//   overlay(n)   the element that lies over page n as long as the view lives; place things in it by percent
//   zoom(f)      f times the width of the view
//   close()      frees everything
//   page, pages  where it is, and of how many (0 until the file is open)
// and tells through events of the host
//   pdfpage  {page, pages}                   another page is in view
//   pdfdraw  {page, overlay, width, height}  page was drawn, in CSS pixels; again after each change of the size
//   pdfarea  {page, x, y, width, height}     an area was drawn on a page, in shares of it; with the option areas: true
//   pdffail  {message}                       the file cannot be shown
const library = new URL("pdfjs/", import.meta.url);
let loaded; // promise of the library
const idle = []; // workers of files that were closed: the next file needs not start one

function load() {
  loaded ??= import(new URL("pdf.min.mjs", library)).then((pdfjs) => {
    pdfjs.GlobalWorkerOptions.workerSrc = new URL("pdf.worker.min.mjs", library).href;
    return pdfjs;
  });
  loaded.catch(() => { loaded = undefined; }); // the next time may be better
  return loaded;
}

function style() {
  const href = new URL("pdf.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(make("link", { rel: "stylesheet", href }));
}

function make(tag, properties = {}, ...children) {
  const el = Object.assign(document.createElement(tag), properties);
  el.append(...children);
  return el;
}

const fail = {
  PasswordException: "This PDF is protected by a password. Download it to read it.",
  InvalidPDFException: "This PDF is damaged. Download it, or ask for another copy.",
};
const smallest = 0.25, largest = 5;

class View {
  page = 1;
  pages = 0;
  #host; #bar; #scroll; #number; #total; #percent; #holders = []; #doc; #task; #pdfjs; #observer; #resize;
  #factor = 1; // of the width of the view
  #closed = false;
  #worker;

  constructor(host, source, { page = 1, name = "PDF", areas = false } = {}) {
    this.#host = host;
    this.page = page;
    this.#build(name);
    if (areas) this.#areas();
    this.#open(source).catch((e) => this.#fail(e));
  }

  #build(name) {
    const button = (label, icon, on) => {
      const b = make("button", { type: "button", className: "btn btn-quiet btn-icon", title: label, onclick: on },
        icon.length > 1 ? make("span", { className: "i i-" + icon, ariaHidden: "true" }) : icon);
      b.setAttribute("aria-label", label);
      return b;
    };
    this.#number = make("input", { className: "input pdf-number", type: "number", min: 1, value: this.page, disabled: true,
      onchange: () => this.goto(Number(this.#number.value)) });
    this.#number.setAttribute("aria-label", "Page");
    this.#total = make("span", { className: "muted" });
    this.#percent = make("button", { type: "button", className: "btn btn-quiet", title: "As wide as the view", textContent: "100 %",
      onclick: () => this.zoom(1) });
    this.#bar = make("div", { className: "pdf-bar", role: "toolbar" },
      button("Previous page", "chevron-left", () => this.goto(this.page - 1)), this.#number, this.#total,
      button("Next page", "chevron-right", () => this.goto(this.page + 1)), make("span", { className: "pdf-gap" }),
      button("Smaller", "−", () => this.zoom(this.#factor / 1.25)), this.#percent,
      button("Larger", "+", () => this.zoom(this.#factor * 1.25)));
    this.#bar.setAttribute("aria-label", "Pages of " + name);
    this.#scroll = make("div", { className: "pdf-scroll", tabIndex: 0, role: "region", onkeydown: (e) => this.#key(e) },
      make("p", { className: "pdf-note", role: "status", textContent: "Opening " + name + " …" }));
    this.#scroll.setAttribute("aria-label", name);
    this.#host.replaceChildren(this.#bar, this.#scroll);
    this.#host.classList.add("pdf");
  }

  async #open(source) {
    style();
    this.#pdfjs = await load();
    if (this.#closed) return;
    this.#worker = idle.pop() ?? new this.#pdfjs.PDFWorker({ verbosity: 0 });
    this.#task = this.#pdfjs.getDocument({
      worker: this.#worker,
      ...(typeof source === "string" ? { url: source } : { data: source }),
      isEvalSupported: false, enableXfa: false, stopAtErrors: false, rangeChunkSize: 1 << 18, verbosity: 0,
      wasmUrl: library.href, standardFontDataUrl: library.href,
    });
    this.#doc = await this.#task.promise;
    if (this.#closed) return;
    this.pages = this.#doc.numPages;
    this.#number.max = this.pages;
    this.#number.disabled = false;
    this.#total.textContent = "of " + this.pages;
    const first = (await this.#doc.getPage(1)).getViewport({ scale: 1 });
    if (this.#closed) return;
    for (let n = 1; n <= this.pages; n++) {
      const overlay = make("div", { className: "pdf-overlay" });
      const el = make("div", { className: "pdf-page", role: "group" }, overlay);
      el.setAttribute("aria-label", "Page " + n);
      el.dataset.page = n;
      this.#holders.push({ n, el, overlay, width: first.width, height: first.height });
    }
    this.#scroll.replaceChildren(...this.#holders.map((h) => h.el));
    this.#layout();
    this.#observer = new IntersectionObserver((entries) => {
      for (const e of entries) {
        const h = this.#holders[e.target.dataset.page - 1];
        h.near = e.isIntersecting;
        h.near ? this.#draw(h) : this.#drop(h);
      }
    }, { root: this.#scroll, rootMargin: "50%" });
    for (const h of this.#holders) this.#observer.observe(h.el);
    this.#scroll.addEventListener("scroll", () => this.#seen(), { passive: true });
    let width = this.#scroll.clientWidth;
    this.#resize = new ResizeObserver(() => {
      if (this.#scroll.clientWidth === width) return;
      width = this.#scroll.clientWidth;
      this.#again();
    });
    this.#resize.observe(this.#scroll);
    await this.goto(this.page);
    this.#tell();
  }

  #scale() {
    const widest = Math.max(...this.#holders.map((h) => h.width));
    return Math.max(this.#factor * (this.#scroll.clientWidth - 24) / widest, 0.05);
  }

  #layout() {
    const scale = this.#scale();
    for (const h of this.#holders) {
      h.el.style.setProperty("--total-scale-factor", scale);
      h.el.style.width = Math.round(h.width * scale) + "px";
      h.el.style.height = Math.round(h.height * scale) + "px";
    }
    this.#percent.textContent = Math.round(this.#factor * 100) + " %";
  }

  // again draws everything in another size; the page in view stays.
  #again() {
    if (!this.#holders.length) return;
    const page = this.page;
    this.#layout();
    for (const h of this.#holders) {
      this.#drop(h);
      if (h.near) this.#draw(h);
    }
    this.#jump(page);
  }

  async #draw(h) {
    const run = (h.run = {}); // a later one takes over
    try {
      const page = await this.#doc.getPage(h.n);
      if (h.run !== run) return;
      const size = page.getViewport({ scale: 1 });
      if (size.width !== h.width || size.height !== h.height) {
        [h.width, h.height] = [size.width, size.height];
        this.#layout();
      }
      const viewport = page.getViewport({ scale: this.#scale() });
      // A canvas of more than 16 million points is refused by some browsers.
      const dense = Math.min(window.devicePixelRatio || 1, Math.sqrt(16e6 / (viewport.width * viewport.height)));
      const canvas = make("canvas", { width: Math.floor(viewport.width * dense), height: Math.floor(viewport.height * dense), ariaHidden: "true" });
      run.task = page.render({ canvas, viewport, transform: dense === 1 ? null : [dense, 0, 0, dense, 0, 0] });
      await run.task.promise;
      if (h.run !== run) return;
      const words = make("div", { className: "textLayer" });
      h.el.replaceChildren(canvas, words, h.overlay);
      this.#send("pdfdraw", { page: h.n, overlay: h.overlay, width: viewport.width, height: viewport.height });
      run.text = new this.#pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: words, viewport });
      await run.text.render();
    } catch (e) {
      if (h.run === run && !this.#closed && e?.name !== "RenderingCancelledException" && e?.name !== "AbortException") {
        h.el.replaceChildren(make("p", { className: "pdf-note", textContent: "This page cannot be drawn." }), h.overlay);
      }
    }
  }

  #drop(h) {
    h.run?.task?.cancel();
    h.run?.text?.cancel();
    h.run = undefined;
    h.el.replaceChildren(h.overlay);
  }

  // seen finds the page that lies across the upper third of the view.
  #seen() {
    const at = this.#scroll.getBoundingClientRect().top + this.#scroll.clientHeight / 3;
    const h = this.#holders.findLast((h) => h.el.getBoundingClientRect().top <= at);
    if (h && h.n !== this.page) {
      this.page = h.n;
      this.#tell();
    }
  }

  #tell() {
    this.#number.value = this.page;
    this.#send("pdfpage", { page: this.page, pages: this.pages });
  }

  #send(name, detail) { this.#host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true })); }

  #jump(n) {
    const el = this.#holders[n - 1]?.el;
    if (el) this.#scroll.scrollTop += el.getBoundingClientRect().top - this.#scroll.getBoundingClientRect().top - 12;
  }

  async goto(n) {
    n = Math.min(Math.max(Math.trunc(n) || 1, 1), this.pages || 1e6);
    if (!this.#holders.length) {
      this.page = n;
      return;
    }
    this.#jump(n);
    if (n !== this.page) {
      this.page = n;
      this.#tell();
    }
    this.#number.value = n;
  }

  zoom(f) {
    this.#factor = Math.min(Math.max(f, smallest), largest);
    this.#again();
  }

  // areas lets a mouse or a pen draw an area on a page. Fingers scroll.
  #areas() {
    let drag; // the page, its size, where the pointer went down, and what shows the area
    const share = (v) => Math.min(Math.max(v, 0), 1);
    const area = (e) => {
      const r = drag.el.getBoundingClientRect();
      const x = [drag.x, share((e.clientX - r.left) / r.width)].sort((a, b) => a - b);
      const y = [drag.y, share((e.clientY - r.top) / r.height)].sort((a, b) => a - b);
      return { page: Number(drag.el.dataset.page), x: x[0], y: y[0], width: x[1] - x[0], height: y[1] - y[0] };
    };
    const end = () => {
      drag?.box?.remove();
      drag = undefined;
    };
    this.#host.classList.add("pdf-areas");
    this.#scroll.addEventListener("pointerdown", (e) => {
      end();
      const el = e.target.closest(".pdf-page");
      if (!el || e.pointerType === "touch" || e.button !== 0) return;
      const r = el.getBoundingClientRect();
      drag = { el, x: share((e.clientX - r.left) / r.width), y: share((e.clientY - r.top) / r.height), left: e.clientX, top: e.clientY };
    });
    this.#scroll.addEventListener("pointermove", (e) => {
      if (!drag || !drag.box && Math.hypot(e.clientX - drag.left, e.clientY - drag.top) < 5) return; // still a click
      if (!drag.box) {
        drag.box = make("div", { className: "pdf-area" });
        this.#holders[drag.el.dataset.page - 1].overlay.append(drag.box);
        this.#scroll.setPointerCapture(e.pointerId);
      }
      const a = area(e);
      Object.assign(drag.box.style, { left: a.x * 100 + "%", top: a.y * 100 + "%", width: a.width * 100 + "%", height: a.height * 100 + "%" });
    });
    this.#scroll.addEventListener("pointerup", (e) => {
      const a = drag?.box && area(e);
      end();
      if (a && a.width > 0.005 && a.height > 0.005) this.#send("pdfarea", a);
    });
    this.#scroll.addEventListener("pointercancel", end);
  }

  overlay(n) { return this.#holders[n - 1]?.overlay; }

  #key(e) {
    if (e.target !== this.#scroll || e.ctrlKey || e.metaKey || e.altKey) return;
    const act = { ArrowLeft: () => this.goto(this.page - 1), ArrowRight: () => this.goto(this.page + 1),
      "+": () => this.zoom(this.#factor * 1.25), "-": () => this.zoom(this.#factor / 1.25), 0: () => this.zoom(1) }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }

  #fail(e) {
    if (this.#closed) return;
    const message = fail[e?.name] ?? "This PDF cannot be shown here. Open it in a tab of its own, or download it.";
    this.#scroll.replaceChildren(make("p", { className: "pdf-note", role: "alert", textContent: message }));
    this.#send("pdffail", { message });
  }

  close() {
    this.#closed = true;
    this.#observer?.disconnect();
    this.#resize?.disconnect();
    for (const h of this.#holders) this.#drop(h);
    const worker = this.#worker; // one that does not answer is not used again
    this.#task?.destroy().then(() => (idle.length < 2 ? idle.push(worker) : worker.destroy()), () => worker.destroy());
    this.#host.replaceChildren();
  }
}

globalThis.trivium = { ...globalThis.trivium, pdf: { open: (host, source, options) => new View(host, source, options) } };

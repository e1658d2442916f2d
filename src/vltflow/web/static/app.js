// What pages do beyond links and forms: live refresh, keys, the clock, word of a lost server.
(() => {
  "use strict";
  const LIVE_MS = 2000;
  const LONGEST_WAIT_MS = 30000;
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- light and dark
  $("#theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    document.dispatchEvent(new Event("theme"));
  });

  // --- clock, UT
  const clock = $("#clock");
  setInterval(() => { clock.textContent = new Date().toISOString().slice(11, 16); }, 5000);

  // --- word of trouble: quiet, and gone when it is over
  const trouble = $("#trouble");
  const say = (words) => { trouble.textContent = words; trouble.hidden = false; };
  const hush = () => { trouble.hidden = true; trouble.textContent = ""; };

  // --- live refresh: asks for what changed; slower while the server is gone, or says so
  let wait = LIVE_MS;
  const isLive = () => !$("[data-live-switch]") || $("[data-live-switch]").checked;
  const tick = () => {
    const live = $("[data-live]");
    if (live && isLive() && !document.hidden) htmx.trigger(live, "refresh");
    setTimeout(tick, wait);
  };
  setTimeout(tick, wait);
  document.addEventListener("visibilitychange", () => {
    const live = $("[data-live]");
    if (live && isLive() && !document.hidden) htmx.trigger(live, "refresh");
  });
  const lost = (words) => { say(words); wait = Math.min(wait * 2, LONGEST_WAIT_MS); };
  document.body.addEventListener("htmx:sendError", () => lost("The server does not answer. Trying again …"));
  document.body.addEventListener("htmx:timeout", () => lost("The server is slow. Trying again …"));
  document.body.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401) say("Your login is over. Load the page again to log in.");
    else if (status === 503) lost("The store is busy. Trying again …");
    else say(plain(event.detail.xhr.responseText) || `The server answered ${status}.`);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    wait = 1000 * event.detail.xhr.getResponseHeader("Live-After") || LIVE_MS;
    hush();
  });
  const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.trim().slice(0, 300);

  // --- addresses without empty values
  document.body.addEventListener("htmx:configRequest", (event) => {
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });

  // --- keys
  const rows = () => $$("[data-row]");
  const current = () => $("[data-row].current");
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const place = all.indexOf(current());
    const next = all[Math.max(0, Math.min(all.length - 1, place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step))];
    all.forEach((row) => row.classList.toggle("current", row === next));
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const follow = (selector) => { const link = $(selector); if (link) link.click(); };
  const help = $("#help");
  const keys = {
    j: () => go(1),
    k: () => go(-1),
    Enter: () => { const link = current() && ($("[data-open]", current()) || $("a", current())); if (link) link.click(); },
    x: () => { const box = current() && $("input[type=checkbox]", current()); if (box) box.click(); },
    "/": () => { const field = $("[data-search]"); if (field) { field.focus(); field.select(); } },
    l: () => { const box = $("[data-live-switch]"); if (box) box.click(); },
    "[": () => follow("a[rel=prev]"),
    "]": () => follow("a[rel=next]"),
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input:not([type=checkbox]), select, textarea, dialog, [contenteditable]");
    if (event.key === "Escape" && field && !field.closest("dialog")) { event.target.blur(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    event.preventDefault();
    keys[event.key]();
  });
  $$("[data-help]").forEach((button) => button.addEventListener("click", () => help.showModal()));

  // --- a graph wider than its place begins where the AB itself is
  $$(".graph").forEach((graph) => {
    const box = $(".this rect", graph);
    if (box) graph.scrollLeft = Number(box.getAttribute("x")) - 40;
  });

  // --- the switch of live refresh stays as it was left
  const liveSwitch = $("[data-live-switch]");
  if (liveSwitch) {
    liveSwitch.checked = localStorage.getItem("live") !== "off";
    liveSwitch.addEventListener("change", (event) => {
      event.stopPropagation();
      localStorage.setItem("live", liveSwitch.checked ? "on" : "off");
    });
  }

  // --- mark all rows of a list
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-mark-all]");
    if (all) $$("input[name=ab]", all.closest("form")).forEach((box) => { box.checked = all.checked; });
  });

  // --- images: wheel and drag move the view, which the server draws
  const viewOf = (box) => ["x0", "y0", "x1", "y1"].map((name) => Number(box.dataset[name]));
  const reload = (box, view) => {
    const address = new URL(location.href);
    ["x0", "y0", "x1", "y1"].forEach((name, at) => address.searchParams.set(name, Math.round(view[at])));
    htmx.ajax("GET", address.pathname + address.search, { target: "#viewer", swap: "outerHTML" })
      .then(() => history.replaceState(null, "", address));
  };
  const zoomed = (view, factor, x, y) => {
    const [x0, y0, x1, y1] = view;
    const width = (x1 - x0) * factor, height = (y1 - y0) * factor;
    const left = x - (x - x0) * factor, bottom = y - (y - y0) * factor;
    return [left, bottom, left + width, bottom + height];
  };
  const place = (image, event) => {
    const box = image.getBoundingClientRect();
    const [x0, y0, x1, y1] = viewOf(image);
    return [
      x0 + (event.clientX - box.left) / box.width * (x1 - x0),
      y1 - (event.clientY - box.top) / box.height * (y1 - y0),
    ];
  };
  let drag = null, pending = 0;
  document.addEventListener("wheel", (event) => {
    const image = event.target.closest("img[data-x0]");
    if (!image) return;
    event.preventDefault();
    clearTimeout(pending);
    const [x, y] = place(image, event);
    const view = zoomed(viewOf(image), event.deltaY > 0 ? 1.5 : 1 / 1.5, x, y);
    pending = setTimeout(() => reload(image, view), 60);
  }, { passive: false });
  document.addEventListener("pointerdown", (event) => {
    const image = event.target.closest("img[data-x0]");
    if (!image) return;
    event.preventDefault();
    drag = { image, from: place(image, event), moved: false };
  });
  document.addEventListener("pointermove", (event) => { if (drag) drag.moved = true; });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { image, from, moved } = drag;
    drag = null;
    const [x, y] = place(image, event);
    const [x0, y0, x1, y1] = viewOf(image);
    if (moved && Math.hypot(x - from[0], y - from[1]) > (x1 - x0) / 100) {
      reload(image, [x0 + from[0] - x, y0 + from[1] - y, x1 + from[0] - x, y1 + from[1] - y]);
    } else {
      const pixel = new URL(image.dataset.pixel, location.href);
      pixel.searchParams.set("x", Math.floor(x));
      pixel.searchParams.set("y", Math.floor(y));
      htmx.ajax("GET", pixel.pathname + pixel.search, { target: "#pixel", swap: "innerHTML" });
    }
  });
})();

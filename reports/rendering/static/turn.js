"use strict";
// One file that holds all pages: shows the page that the address names. All but the first wait in
// templates, so that opening the file costs one page.
//
// <template data-page="ID">  holds <section class="page" id="ID">; what is in that has "ID--" before
//                            its own id. data-title is the document's title while it shows,
//                            data-current the page whose link in the header is marked
// A page that shows for the first time gets the event "turned", for scripts to start in it.
(() => {
  const found = [...document.querySelectorAll("template[data-page]")];
  if (found.length === 0) return;
  const waiting = new Map(found.map((each) => [each.dataset.page, each]));
  const pages = new Map();
  const places = new Map();
  let shown = document.querySelector("main > .page");
  const first = shown.id;
  let chosen = false;
  pages.set(first, shown);

  // Names of pages hold "--" as well: the longest that begins the anchor is meant.
  const named = (anchor) => {
    for (let name = anchor; name; name = name.slice(0, Math.max(0, name.lastIndexOf("--")))) {
      if (pages.has(name) || waiting.has(name)) return name;
    }
    return first;
  };

  const show = (name) => {
    const fresh = !pages.has(name);
    if (fresh) pages.set(name, document.adoptNode(waiting.get(name).content.firstElementChild));
    const page = pages.get(name);
    if (page !== shown) shown.replaceWith(page);
    shown = page;
    page.tabIndex = -1;
    if (fresh) page.dispatchEvent(new CustomEvent("turned", { bubbles: true }));
  };

  const mark = () => {
    for (const link of document.querySelectorAll("header nav a")) {
      if (link.hash === `#${shown.dataset.current}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = shown.dataset.title;
  };

  const turn = () => {
    const anchor = location.hash.slice(1);
    const before = shown;
    show(named(anchor));
    mark();
    const target = document.getElementById(anchor);
    for (let up = target; up; up = up.parentElement) if (up.matches("details")) up.open = true;
    if (shown !== before) shown.focus({ preventScroll: true });
    if (!chosen && places.has(shown)) scrollTo(0, places.get(shown)); // Back, or forward
    else if (target && target !== shown) target.scrollIntoView();
    else scrollTo(0, 0);
    chosen = false;
  };

  const leave = (event) => {
    chosen = event.target.closest("a")?.hash !== undefined;
    if (chosen) places.set(shown, scrollY);
  };
  addEventListener("click", leave, true);
  addEventListener("hashchange", turn);
  mark();
  // Last of all that starts: scripts that begin with the document find its first page alone.
  document.addEventListener("DOMContentLoaded", () => location.hash && turn());
})();

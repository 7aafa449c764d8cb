"use strict";
// <pre data-copy="LABEL">  a button below it, named LABEL, copies its text and says so
(() => {
  // Where a browser keeps its clipboard from a page, the text is marked and copied the older way.
  const copy = async (place) => {
    try {
      await navigator.clipboard.writeText(place.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(place);
      return document.execCommand("copy");
    }
  };

  const add = (place) => {
    const row = document.createElement("div");
    const button = document.createElement("button");
    const said = document.createElement("output");
    row.className = "copying";
    button.type = "button";
    button.textContent = place.dataset.copy;
    button.addEventListener("click", async () => {
      said.textContent = (await copy(place)) ? "Copied" : "Marked: copy it with your keyboard";
    });
    row.append(button, said);
    place.after(row);
  };

  const start = (root) => {
    for (const place of root.querySelectorAll("[data-copy]")) add(place);
  };
  document.addEventListener("turned", (event) => start(event.target));
  start(document);
})();

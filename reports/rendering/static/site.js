"use strict";
// Tables that sort, filter and choose their columns, with the state in the address. Without this
// script every row and column is there. Nothing read from the page or the address becomes markup.
//
// <table data-table="NAME">  headers sort; NAME begins the table's keys in the address
//   data-tools               a row above it filters and chooses columns; "columns" chooses only
// <th data-key="KEY">        the column's name in the address (default: made from its text)
//   data-filter              a list of its values to choose from
//   data-optional            may be hidden; "off" is hidden at first, and so is what comes after
//                            the seventh column or says nothing in most rows; not "first"
//   class="figure"           sorts by number, as a column with <data value> does: by that value,
//                            else by the text with its unit
// <div data-front>           groups of buttons (data-pick="model", "metric") that choose which
//                            section with data-model and data-metric is shown; a GPU's name in
//                            the head of a plot takes its marks away and brings them back
(() => {
  const MOST_COLUMNS = 7; // at first; the others are behind "Columns"
  const SIZES = {
    "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600,
    KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
  };
  const PREFIXES = { P: 1e15, T: 1e12, G: 1e9, M: 1e6, k: 1e3, m: 1e-3, "µ": 1e-6 };
  const words = new Intl.Collator("en", { numeric: true });
  const address = new URLSearchParams(location.search);

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const plain = (element) => element.textContent.trim().replace(/\s+/g, " ");

  const size = (unit) => {
    if (unit in SIZES) return SIZES[unit];
    return /^[PTGMkmµ](J|FLOP|B(\/|$)|W$|Hz$)/.test(unit) ? PREFIXES[unit[0]] : 1;
  };

  // "1.2 s" and "504 ms" by what they mean; "3 min 20 s" adds up; null where no number begins.
  const measure = (text) => {
    const part = /\s*([+-]?\d[\d,]*(?:\.\d+)?)\s?([^\s\d,;(–-]*)/y;
    const line = text.replaceAll("−", "-");
    let total = null;
    for (let found; (found = part.exec(line)); ) {
      if (total !== null && !/^(min|s)$/.test(found[2])) break;
      total = (total ?? 0) + Number(found[1].replaceAll(",", "")) * size(found[2]);
      if (!/^(h|min)$/.test(found[2])) break;
    }
    return total;
  };

  const remember = () => {
    const query = address.toString();
    try {
      history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
    } catch {
      // A browser that keeps the address of files fixed: the table works, the link does not say so.
    }
  };

  globalThis.tunebench = { address, make, remember }; // for plan.js, which follows

  class Table {
    constructor(table) {
      this.name = table.dataset.table;
      this.body = table.tBodies[0];
      this.columns = [...table.tHead.rows[0].cells].map((head, index) => this.column(head, index));
      this.rows = [...this.body.rows].map((row) => this.row(row));
      this.table = table;
      if (this.rows.length > 1) this.addButtons();
      if ("tools" in table.dataset) this.addTools();
      this.restore();
    }

    column(head, index) {
      const key = head.dataset.key ?? plain(head).toLowerCase().replace(/[^a-z0-9]+/g, "-");
      return { head, index, key, title: head.dataset.title ?? plain(head), shown: true, filter: "" };
    }

    // A cell that spans columns has no value in any of them.
    row(row) {
      const cells = [];
      for (const cell of row.cells) {
        const span = cell.colSpan;
        for (let each = 0; each < span; each++) cells.push({ cell, alone: span === 1 });
      }
      return { row, cells, lower: null };
    }

    text(row, column) {
      const found = row.cells[column.index];
      return found && found.alone ? found.cell.dataset.value ?? plain(found.cell) : "";
    }

    exact(row, column) {
      const { cell, alone } = row.cells[column.index] ?? {};
      return alone ? cell.querySelector("data") : null;
    }

    // Whether a column holds numbers is looked up once it is sorted.
    figures(column) {
      column.figures ??=
        column.head.classList.contains("figure") || this.rows.some((row) => this.exact(row, column));
      return column.figures;
    }

    value(row, column) {
      const text = this.text(row, column);
      if (!this.figures(column)) return /^–?$/.test(text) ? null : text;
      const exact = this.exact(row, column);
      return exact ? Number(exact.value) : measure(text);
    }

    addButtons() {
      for (const column of this.columns) {
        const { head } = column;
        const button = make("button", { type: "button", className: "sort" });
        if (head.querySelector("a")) {
          button.ariaLabel = `Sort by ${column.title}`;
          head.append(button);
        } else {
          button.append(...head.childNodes);
          head.append(button);
        }
        button.addEventListener("click", () => this.turn(column));
      }
    }

    // From ascending to descending to the order of the page; figures begin with the largest.
    turn(column) {
      const first = this.figures(column) ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const now = column.head.getAttribute("aria-sort");
      this.sort(column, now === first ? second : now === second ? null : first);
      this.say();
    }

    sort(column, direction) {
      for (const each of this.columns) each.head.removeAttribute("aria-sort");
      this.sorted = direction ? { column, direction } : null;
      let order = this.rows;
      if (direction) {
        column.head.setAttribute("aria-sort", direction);
        const sign = direction === "ascending" ? 1 : -1;
        const keyed = this.rows.map((row) => ({ row, value: this.value(row, column) }));
        const compare = (one, other) => {
          if (one === null || other === null) return (one === null) - (other === null);
          return sign * (this.figures(column) ? one - other : words.compare(one, other));
        };
        order = keyed.sort((one, other) => compare(one.value, other.value)).map((each) => each.row);
      }
      this.body.append(...order.map((each) => each.row));
    }

    addTools() {
      const title = plain(this.table.caption ?? this.table);
      const whole = this.table.dataset.tools !== "columns";
      this.tools = make("div", { className: "tools", role: "group", ariaLabel: `Filter: ${title}` });
      this.selects = new Map();
      for (const column of this.columns.filter((each) => whole && "filter" in each.head.dataset)) {
        const values = new Set(this.rows.map((row) => this.text(row, column)).filter(Boolean));
        if (values.size < 2 || values.size === this.rows.length) continue;
        const select = make("select", {}, make("option", { value: "" }, "all"));
        for (const value of [...values].sort(words.compare)) {
          select.append(make("option", { value }, value));
        }
        select.addEventListener("change", () => {
          column.filter = select.value;
          this.filter();
          this.say();
        });
        this.selects.set(column, select);
        this.tools.append(make("label", {}, column.title, select));
      }
      this.find = make("input", { type: "search" });
      this.find.addEventListener("input", () => {
        this.filter();
        this.say();
      });
      if (whole) this.tools.append(make("label", { className: "find" }, "Find", this.find));
      this.tools.append(this.chooser());
      this.count = make("output", {});
      this.reset = make("button", { type: "button" }, "Reset");
      this.reset.addEventListener("click", () => this.clear());
      if (whole) this.tools.append(make("div", { className: "state" }, this.count, this.reset));
      else this.tools.classList.add("bare");
      const place = this.table.closest(".scroll") ?? this.table;
      place.before(this.tools);
    }

    chooser() {
      this.boxes = new Map();
      const list = make("div", { className: "choices" });
      for (const column of this.columns.filter((each) => "optional" in each.head.dataset)) {
        const box = make("input", { type: "checkbox", checked: true });
        box.addEventListener("change", () => {
          this.show(column, box.checked);
          this.say();
        });
        this.boxes.set(column, box);
        list.append(make("label", {}, box, column.title));
      }
      const chooser = make("details", { className: "columns" }, make("summary", {}, "Columns"), list);
      chooser.hidden = this.boxes.size === 0;
      chooser.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        chooser.open = false;
        chooser.querySelector("summary").focus();
      });
      return chooser;
    }

    filter() {
      const wanted = this.find.value.toLowerCase().trim();
      const chosen = this.columns.filter((column) => column.filter);
      let shown = 0;
      for (const row of this.rows) {
        let fits = chosen.every((column) => this.text(row, column) === column.filter);
        if (fits && wanted) {
          row.lower ??= plain(row.row).toLowerCase();
          fits = row.lower.includes(wanted);
        }
        row.row.hidden = !fits;
        shown += fits;
      }
      this.count.textContent = `${shown} of ${this.rows.length} shown`;
    }

    show(column, shown) {
      if (shown && this.name === "all") this.label(column);
      this.boxes.get(column).checked = column.shown = shown;
      column.head.hidden = !shown;
      for (const { cells } of this.rows) {
        const { cell, alone } = cells[column.index] ?? {};
        if (cell && alone) cell.hidden = !shown;
        if (!cell || alone) continue;
        const span = this.columns.filter((each) => each.shown && cells[each.index]?.cell === cell);
        cell.hidden = span.length === 0;
        cell.colSpan = Math.max(1, span.length);
      }
    }

    // On a phone a row is a card, in which a number says what it is.
    label(column) {
      for (const { cells } of this.rows) cells[column.index].cell.dataset.label = column.title;
    }

    // What a reader sees at first: columns that always stand, then others up to seven in all.
    first() {
      const optional = this.columns.filter((each) => "optional" in each.head.dataset);
      const kept = new Set(this.columns.filter((each) => !optional.includes(each)));
      const says = (each) => {
        const known = this.rows.filter((row) => !/^–?$/.test(this.text(row, each)));
        return 2 * known.length >= this.rows.length;
      };
      const wanted = (each) => each.head.dataset.optional;
      for (const each of optional) if (wanted(each) === "first") kept.add(each);
      for (const each of optional) {
        if (kept.size < MOST_COLUMNS && wanted(each) !== "off" && says(each)) kept.add(each);
      }
      return kept;
    }

    usual(column) {
      this.kept ??= this.first();
      return this.kept.has(column);
    }

    restore() {
      const get = (key) => address.get(`${this.name}.${key}`);
      const sort = get("sort") ?? "";
      const key = sort.replace(/^-/, "");
      const column = this.columns.find((each) => each.key === key);
      if (column) this.sort(column, sort.startsWith("-") ? "descending" : "ascending");
      if (!this.tools) return;
      const listed = get("show")?.split(",");
      for (const each of this.boxes.keys()) {
        const shown = listed ? listed.includes(each.key) : this.usual(each);
        if (!shown) this.show(each, false);
      }
      for (const [each, select] of this.selects) {
        const value = get(each.key) ?? "";
        // A link made for other results may ask for what is not here; that is shown, not dropped.
        if (value && ![...select.options].some((option) => option.value === value)) {
          select.append(make("option", { value }, `${value} (none here)`));
        }
        each.filter = select.value = value;
      }
      this.find.value = get("find") ?? "";
      this.filter();
      this.reset.disabled = ![...address.keys()].some((each) => each.startsWith(`${this.name}.`));
    }

    say() {
      const set = (key, value) => {
        if (value) address.set(`${this.name}.${key}`, value);
        else address.delete(`${this.name}.${key}`);
      };
      const { column, direction } = this.sorted ?? {};
      set("sort", column && (direction === "descending" ? "-" : "") + column.key);
      if (this.tools) {
        for (const [each, select] of this.selects) set(each.key, select.value);
        set("find", this.find.value.trim());
        const boxes = [...this.boxes.keys()];
        const changed = boxes.some((each) => each.shown !== this.usual(each));
        const shown = boxes.filter((each) => each.shown).map((each) => each.key);
        set("show", changed && (shown.join(",") || "none"));
        this.reset.disabled = ![...address.keys()].some((each) => each.startsWith(`${this.name}.`));
      }
      remember();
    }

    clear() {
      this.sort(null, null);
      for (const [column, select] of this.selects) column.filter = select.value = "";
      this.find.value = "";
      for (const column of this.boxes.keys()) this.show(column, this.usual(column));
      this.filter();
      this.say();
      this.tools.querySelector("select, input").focus();
    }
  }

  // The first screen's picker: one plot of all, by model and metric.
  class Picker {
    constructor(place) {
      this.plots = [...document.querySelectorAll("section[data-model][data-metric]")];
      this.buttons = [...place.querySelectorAll("[data-pick] button")];
      this.chosen = {};
      for (const button of this.buttons) {
        const { pick } = button.parentElement.dataset;
        if (button.ariaPressed === "true") this.chosen[pick] = button.value;
        button.addEventListener("click", () => this.choose(pick, button.value));
      }
      this.without = address.get("front.without") ?? "";
      for (const plot of this.plots) this.addToggles(plot);
      this.usual = { ...this.chosen };
      for (const pick of Object.keys(this.usual)) {
        const value = address.get(`front.${pick}`);
        if (this.buttons.some((each) => this.is(each, pick, value))) this.chosen[pick] = value;
      }
      place.hidden = false;
      this.toggle();
      this.show();
    }

    is(button, pick, value) {
      return button.parentElement.dataset.pick === pick && button.value === value;
    }

    choose(pick, value) {
      this.chosen[pick] = value;
      for (const [key, now] of Object.entries(this.chosen)) {
        if (now === this.usual[key]) address.delete(`front.${key}`);
        else address.set(`front.${key}`, now);
      }
      this.show();
      remember();
    }

    // The head's marks are "open" and "full", as those of the plot are.
    addToggles(plot) {
      const heads = [...plot.querySelectorAll("thead span")].map((mark) => mark.parentElement);
      if (heads.length < 2) return;
      for (const head of heads) {
        const button = make("button", { type: "button", className: "gpu" });
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const name = plain(head);
          this.without = this.without === name ? "" : name;
          if (this.without) address.set("front.without", name);
          else address.delete("front.without");
          this.toggle();
          remember();
        });
      }
    }

    // One GPU at most is away, so that something is left to see.
    toggle() {
      for (const plot of this.plots) {
        for (const button of plot.querySelectorAll("thead .gpu")) {
          const away = plain(button) === this.without;
          const [mark, column] = [button.firstElementChild.className, button.parentElement.className];
          button.ariaPressed = String(!away);
          for (const each of plot.querySelectorAll(`tbody .${column}, svg .${mark}`)) {
            each.classList.toggle("away", away);
          }
        }
      }
    }

    // A model without the metric shows the first that it has; that button is the one pressed.
    show() {
      const ours = this.plots.filter((plot) => plot.dataset.model === this.chosen.model);
      const shown = ours.find((plot) => plot.dataset.metric === this.chosen.metric) ?? ours[0];
      for (const plot of this.plots) plot.hidden = plot !== shown;
      for (const button of this.buttons) {
        const { pick } = button.parentElement.dataset;
        button.ariaPressed = String(button.value === shown?.dataset[pick]);
        button.disabled = pick === "metric" && !ours.some((each) => each.dataset.metric === button.value);
      }
    }
  }

  const start = (root) => {
    for (const place of root.querySelectorAll("[data-front]")) new Picker(place);
    for (const table of root.querySelectorAll("table[data-table]")) new Table(table);
  };
  document.addEventListener("turned", (event) => start(event.target));
  start(document);
})();

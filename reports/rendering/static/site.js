"use strict";
// Tables that sort, filter and choose their columns, with the state in the address. Without this
// script every row and column is there. Nothing read from the page or the address becomes markup.
//
// <table data-table="NAME">  headers sort; NAME begins the table's keys in the address
//   data-tools               a row above it filters and chooses columns
// <th data-key="KEY">        the column's name in the address (default: made from its text)
//   data-filter              a list of its values to choose from
//   data-optional            may be hidden; "off" is hidden at first
//   class="figure"           sorts by number, as a column with <data value> does: by that value,
//                            else by the text with its unit
// <p data-job="NAME">        is given inputs for tokens and epochs; NAME begins their keys. Cells
//                            with data-per-token ("value low high" of one) are computed anew;
//                            those in a row of class "projected" in the digits of an estimate
// <div data-front>           groups of buttons (data-pick="model", "metric") that choose which
//                            section with data-model and data-metric is shown
(() => {
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
      this.tools = make("div", { className: "tools", role: "group", ariaLabel: `Filter: ${title}` });
      this.selects = new Map();
      for (const column of this.columns.filter((each) => "filter" in each.head.dataset)) {
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
      this.tools.append(make("label", { className: "find" }, "Find", this.find), this.chooser());
      this.count = make("output", {});
      this.reset = make("button", { type: "button" }, "Reset");
      this.reset.addEventListener("click", () => this.clear());
      this.tools.append(make("div", { className: "state" }, this.count, this.reset));
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

    usual(column) {
      return column.head.dataset.optional !== "off";
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

  // A job: its tokens and epochs, and every amount of the page that follows from them.
  class Job {
    constructor(place) {
      this.place = place;
      this.words = place.querySelector("[data-job-words]");
      this.name = place.dataset.job;
      this.usual = { tokens: Number(place.dataset.tokens) / 1e6, epochs: Number(place.dataset.epochs) };
      this.tools = make("div", { className: "tools", role: "group", ariaLabel: "The job" });
      this.inputs = {
        tokens: this.input("Million real tokens", "tokens"),
        epochs: this.input("Epochs", "epochs"),
      };
      place.before(this.tools);
      this.cells = [...document.querySelectorAll("[data-per-token]")].map((cell) => ({
        cell,
        each: cell.dataset.perToken.split(" ").map(Number),
      }));
      if (["tokens", "epochs"].some((key) => address.has(`${this.name}.${key}`))) this.show();
    }

    input(title, key) {
      const given = address.get(`${this.name}.${key}`);
      const value = given !== null && this.valid(given) ? given : String(this.usual[key]);
      const input = make("input", { type: "text", inputMode: "decimal", value, autocomplete: "off" });
      input.addEventListener("input", () => this.change());
      this.tools.append(make("label", {}, title, input));
      return input;
    }

    valid(text) {
      const number = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 0;
      return number > 0 && number <= 1e9;
    }

    change() {
      let whole = true;
      for (const [key, input] of Object.entries(this.inputs)) {
        const fine = this.valid(input.value);
        input.ariaInvalid = fine ? "false" : "true";
        whole &&= fine;
        if (!fine) continue;
        if (Number(input.value) === this.usual[key]) address.delete(`${this.name}.${key}`);
        else address.set(`${this.name}.${key}`, input.value.trim());
      }
      if (whole) this.show();
      else this.words.textContent = "not computed: tokens and epochs are numbers above 0";
      for (const { cell } of this.cells) cell.classList.toggle("stale", !whole);
      if (whole) remember();
    }

    show() {
      const tokens = Number(this.inputs.tokens.value) * 1e6;
      const epochs = Number(this.inputs.epochs.value);
      const passes = epochs === 1 ? "1 epoch" : `${epochs} epochs`;
      this.words.textContent = `${tokens.toLocaleString("en")} real tokens, ${passes}`;
      for (const { cell, each } of this.cells) {
        const [value, low, high] = each.map((one) => one * tokens * epochs);
        const unit = cell.dataset.unit;
        const data = cell.querySelector("data");
        data.value = String(value);
        const number = cell.closest(".projected")
          ? (amount) => this.about(amount, high - low)
          : (amount) => this.measured(amount, unit);
        data.textContent = unit === "USD" ? `USD ${number(value)}`
          : `${number(value)} ${unit === "hours" ? "h" : unit}`;
        const range = cell.querySelector("small");
        if (range) range.textContent = `${number(low)}–${number(high)}`;
        if (unit === "hours") this.overnight(cell, low, high);
      }
    }

    overnight(cell, low, high) {
      const limit = Number(this.place.dataset.overnightHours);
      const found = cell.parentElement.querySelector("[data-overnight]");
      found.textContent = high <= limit ? "yes" : low > limit ? "no" : "borderline";
    }

    // An estimate in the digits it deserves, as suite/units.py has it.
    about(value, width) {
      const exponent = (number) => Number(number.toExponential(1).split("e")[1]);
      let place = exponent(value) - 1;
      if (width && exponent(width / 4) < place) place--;
      const size = 10 ** Math.max(0, place);
      return this.fixed(place > 0 ? Math.round(value / size) * size : value, Math.max(0, -place));
    }

    measured(value, unit) {
      if (unit === "USD") return this.fixed(value, value < 100 ? 2 : 0);
      if (value >= 99.95) return this.fixed(value, 0);
      return Number(value.toPrecision(3)) >= 1e-4 ? this.plainThree(value) : value.toExponential(2);
    }

    fixed(value, digits) {
      const most = Math.min(digits, 20); // of a part of a token; older browsers take no more
      const fixed = { minimumFractionDigits: most, maximumFractionDigits: most };
      return value.toLocaleString("en", fixed);
    }

    // Three significant digits without an exponent: 0.0312, 4.10, 31.2.
    plainThree(value) {
      const before = Math.floor(Math.log10(Number(value.toPrecision(3))));
      return value.toFixed(2 - before);
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
      this.usual = { ...this.chosen };
      for (const pick of Object.keys(this.usual)) {
        const value = address.get(`front.${pick}`);
        if (this.buttons.some((each) => this.is(each, pick, value))) this.chosen[pick] = value;
      }
      place.hidden = false;
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
    for (const place of root.querySelectorAll("[data-job]")) new Job(place);
    for (const table of root.querySelectorAll("table[data-table]")) new Table(table);
  };
  document.addEventListener("turned", (event) => start(event.target));
  start(document);
})();

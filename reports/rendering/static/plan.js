"use strict";
// The page that plans a job: inputs, and from them the answer, its options and a chart. Numbers and
// words are those of suite/estimate/job and `./tunebench plan`; a test compares them. Data is what
// reports/pages/plan/data.py describes. Nothing read from it or the address becomes markup.
const startPlan = (place) => {
  if (!place || "started" in place.dataset) return;
  place.dataset.started = "";
  const { address, make, remember } = globalThis.tunebench;
  const data = JSON.parse(place.querySelector("[data-plan-data]").textContent);
  const part = (name) => place.querySelector(`[data-plan-${name}]`);
  const NUMBERS = "zero one two three four five six seven eight nine ten".split(" ");
  const MONTH_HOURS = 730;
  const DONE = { yes: "the job is done", no: "the job is not done", borderline: "the job is borderline" };

  // Numbers, as suite/units.py has them: "about" of an estimate, "three" digits of a measurement.
  const fixed = (value, digits) => {
    const most = Math.min(Math.max(digits, 0), 20);
    return value.toLocaleString("en", { minimumFractionDigits: most, maximumFractionDigits: most });
  };
  const exponent = (value) => Number(value.toExponential(1).split("e")[1]);
  const about = (value, width = 0) => {
    let at = exponent(value) - 1;
    if (width && exponent(width / 4) < at) at--;
    const size = 10 ** Math.max(0, at);
    return fixed(at > 0 ? Math.round(value / size) * size : value, -at);
  };
  const three = (value) => {
    if (value >= 99.95) return fixed(value, 0);
    if (value < 1e-4) return value.toExponential(2).replace(/e([+-])(\d)$/, "e$10$2");
    return value.toFixed(2 - Math.floor(Math.log10(Number(value.toPrecision(3)))));
  };
  const general = (value) => value.toLocaleString("en", { maximumSignificantDigits: 6 });
  const dollars = (value) => fixed(value, value < 100 ? 2 : 0);
  const range = (low, high, joint, unit = "") => low === high ? "" : ` (${low}${joint}${high}${unit})`;
  const each = (triple, change) => triple.map(change);
  const texts = (triple, measured) =>
    each(triple, (value) => measured ? three(value) : about(value, triple[2] - triple[1]));
  const amount = (triple, unit, measured) => {
    const [value, low, high] = measured && unit === "USD" ? each(triple, dollars) : texts(triple, measured);
    return (unit === "USD" ? `USD ${value}` : `${value} ${unit}`) + range(low, high, "–");
  };
  const sized = (value) =>
    [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([size]) => value >= size) ?? [1, ""];
  const chosen = (value) => {
    const [size, unit] = sized(value);
    const text = (value / size).toLocaleString("en", { maximumFractionDigits: 3 });
    return unit ? `${text} ${unit}` : text;
  };
  const trained = (triple, measured) => {
    const [size, name] = sized(triple[0]);
    const unit = name ? ` ${name}` : "";
    const [value, low, high] = texts(each(triple, (one) => one / size), measured);
    return `${value}${unit} tokens${range(low, high, " to ", unit)}`;
  };
  const days = (value) => {
    if (value >= 10) return `${about(value)} days`;
    const halves = Math.floor(2 * value + 0.5);
    const text = `${Math.floor(halves / 2)}${halves % 2 ? "½" : ""}`;
    return `${text} ${text === "1" ? "day" : "days"}`;
  };
  const duration = (seconds, measured) => {
    const [size, unit] = seconds[0] >= 3600 ? [3600, "h"] : [60, "min"];
    const values = each(seconds, (one) => one / size);
    const [value, low, high] = texts(values, measured);
    let text = measured ? `${value} ${unit}` : `about ${value} ${unit}`;
    if (values[0] >= 24 && unit === "h" && !measured) text = `about ${days(values[0] / 24)}`;
    return text + range(low, high, " to ", ` ${unit}`);
  };
  const beside = ({ longer, slower }) => {
    if (!longer) return "about as long, too close to call";
    const [value, low, high] = texts(longer, false);
    return `${value}× as long (${low}–${high})${slower ? "" : ", too close to call"}`;
  };
  const gib = (bytes) => (bytes / 2 ** 30 >= 9.95 ? fixed : (value) => value.toFixed(1))(bytes / 2 ** 30, 0);
  const either = (names) =>
    names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  const counted = (number) => NUMBERS[number] ?? String(number);
  const median = (values) => {
    const sorted = [...values].sort((one, other) => one - other);
    const middle = Math.floor(sorted.length / 2);
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };
  const span = (triples) => [
    median(triples.map((one) => one[0])),
    Math.min(...triples.map((one) => one[1])),
    Math.max(...triples.map((one) => one[2])),
  ];

  // One GPU's options for the job, ranked, and what they come to.
  const answerOf = (gpu, job) => {
    const cells = data.options[job.model][job.length][gpu.name];
    const options = [];
    data.methods.forEach(([name, title], index) => {
      const cell = cells[index];
      if (!cell || (job.method && job.method !== name)) return;
      const [verdict, needs, third, repeats, page, rate, joules, longer, by = ""] = cell;
      const option = { gpu, title, needs, verdict: data.verdicts[verdict] };
      if (rate) {
        Object.assign(option, { basis: third, measured: third === 0, repeats, page, rate, longer, by });
        option.joules = joules ? each(joules, (one) => one * job.passes) : null;
        option.seconds = [job.passes / rate[0], job.passes / rate[2], job.passes / rate[1]];
        option.tokens = each(rate, (one) => one * 3600 * job.hours);
        const [value, low, high] = option.seconds;
        const [least, middle, most] = gpu.rent ?? [];
        option.rent = gpu.rent && [middle * value / 3600, least * low / 3600, most * high / 3600];
      } else {
        [option.words, option.reason] = data.reasons[third];
        option.page = repeats;
      }
      options.push(option);
    });
    const ranked = options.filter((one) => one.rate).sort((one, other) => other.rate[0] - one.rate[0]);
    if (job.method) for (const one of ranked) one.longer = [1, 1, 1];
    for (const one of ranked) one.slower = Boolean(one.longer) && one.longer[1] > 1;
    const level = ranked.filter((one) => !one.slower);
    const whole = level.length > 0;
    return {
      gpu, job, options, ranked, level,
      seconds: whole ? span(level.map((one) => one.seconds)) : null,
      tokens: whole ? span(level.map((one) => one.tokens)) : null,
    };
  };
  const night = (seconds, hours) =>
    seconds[2] <= hours * 3600 ? "yes" : seconds[1] > hours * 3600 ? "no" : "borderline";
  const memory = ({ needs, gpu }) =>
    needs && gpu.bytes ? `${gib(needs)} of ${gib(gpu.bytes)} GiB` : "unknown";
  const least = (options) => options.reduce((one, other) => (other.needs < one.needs ? other : one));

  const methods = ({ options, ranked, level }) => {
    const names = level.map((one) => one.title);
    const slower = ranked.filter((one) => one.slower);
    if (ranked.length === 1)
      return `with ${names[0]}${options.length === 1 ? "" : ", the only method with a time"}`;
    if (!slower.length)
      return `with any of ${counted(names.length)} methods; they differ by less than the uncertainty`;
    const ratios = slower.map((one) => one.longer[0]);
    const [low, high] = [about(Math.min(...ratios)), about(Math.max(...ratios))];
    const rest = slower.length === 1 ? `${slower[0].title} takes` : "the others take";
    const close = names.length === 1 ? "" : " (too close to call)";
    return `with ${either(names)}${close}; ${rest} ${low === high ? low : `${low} to ${high}`} times as long`;
  };
  const basis = ({ level }) => {
    if (level.every((one) => one.measured)) {
      const repeats = Math.min(...level.map((one) => one.repeats));
      const words = `${repeats.toLocaleString("en")} repeat${repeats === 1 ? "" : "s"}`;
      const givers = new Set(level.map((one) => one.by));
      const by = givers.size === 1 && level[0].by ? ` ${level[0].by}` : "";
      return `Measured on this GPU${by}, ${words}${level.length > 1 ? " each" : ""}.`;
    }
    if (level.some((one) => one.measured)) return "Part measured, part estimated.";
    return level[0].basis === 1
      ? "Estimated from other workloads on this GPU."
      : "Estimated, not measured on this GPU.";
  };
  const sentences = (found) => {
    const { gpu, job, options, ranked, level } = found;
    const where = `On ${gpu.article} ${gpu.title}, `;
    if (!found.seconds) {
      const known = options.filter((one) => one.needs && one.verdict === "does not fit");
      if (!known.length) return [`${where}${job.title} has no estimate: ${options[0].reason}.`];
      const one = least(known);
      if (options.length === 1)
        return [`${where}${job.title} does not fit with ${one.title}, which needs ${memory(one)}.`];
      return [
        `${where}${job.title} fits with none of ${counted(options.length)} methods: the least,` +
          ` ${one.title}, needs ${memory(one)}.`,
      ];
    }
    const measured = level.every((one) => one.measured);
    const work = `${chosen(job.tokens)} tokens${job.epochs === 1 ? "" : ` × ${general(job.epochs)} epochs`}`;
    const took = duration(found.seconds, measured);
    const said = [`${where}tuning ${job.title} on ${work} takes ${took} ${methods(found)}.`];
    const known = ranked.filter((one) => one.needs);
    if (known.length) {
      const one = least(known);
      const unsure = known.filter((other) => other.verdict !== "fits").map((other) => other.title);
      const may = unsure.length ? ` May not fit: ${unsure.join(", ")}.` : "";
      said.push(`${one.title} needs${known.length === 1 ? "" : " the least memory:"} ${memory(one)}.${may}`);
    }
    const title = job.hours === data.hours ? "Overnight" : "In the time";
    said.push(
      `${title} (${general(job.hours)} h): ${measured ? "" : "about "}${trained(found.tokens, measured)};` +
        ` ${DONE[night(found.seconds, job.hours)]}.`,
    );
    return [...said, basis(found)];
  };
  const brief = (found) => {
    const said = sentences(found);
    return said.length > 1 ? `${said[0]} ${said.at(-1)}` : said[0];
  };
  const note = (option, found) => {
    const repeats = `measured${option.by ? ` ${option.by}` : ""}, ${option.repeats} repeat${option.repeats === 1 ? "" : "s"}`;
    const text = option.measured ? repeats : "estimated";
    return option === found.ranked[0] ? text : `${text}; ${beside(option)}`;
  };

  // One GPU, two, four or eight: which is the cheapest and the fastest is the same for every job.
  const several = ({ gpu, job }) => {
    const found = data.counts[job.model]?.[job.length]?.[gpu.name]?.[job.method];
    if (!found)
      return `No two ${gpu.title} were measured together, so nothing is estimated of several;` +
        " ./tunebench run --tier two-gpus measures it.";
    const [title, options, text] = found;
    if (!options.length) return text;
    const takes = options.map(([count, measured, rate]) => {
      const seconds = [rate[0], rate[2], rate[1]].map((one) => job.passes / one);
      const rent = gpu.rent ? gpu.rent[1] * count * seconds[0] / 3600 : 0;
      const price = measured ? `USD ${dollars(rent)}` : `about USD ${about(rent)}`;
      return `on ${counted(count)} ${duration(seconds, measured)}${rent ? ` and ${price} of rent` : ""}`;
    });
    return `${gpu.title}, ${job.title} with ${title}: ${takes.join("; ")}. ${text}`;
  };

  // Buying the first GPU against renting each: dollars of a job, jobs until buying has cost less.
  const power = ({ ranked }, job) => {
    if (job.kwh === null) return [0, 0, 0];
    const joules = ranked[0]?.joules;
    return joules ? each(joules, (one) => one / 3.6e6 * job.kwh) : null;
  };
  const jobs = (price, own, rent) => (rent > own ? price / (rent - own) : Infinity);
  const whole = (count) => (count < 100 ? Math.ceil(count).toLocaleString("en") : about(count));
  const breakEven = (owned, other, job) => {
    const own = power(owned, job), rent = other.ranked[0]?.rent;
    if (!own || !rent || !owned.ranked.length) return null;
    return {
      rent, own, gpu: other.gpu,
      jobs: jobs(job.price, own[0], rent[0]),
      low: jobs(job.price, own[1], rent[2]),
      high: jobs(job.price, own[2], rent[1]),
    };
  };
  const buying = (answers, job) => {
    const owned = answers[0], mine = owned.gpu.title;
    if (!owned.seconds) return [`${mine} cannot do the job, so it is not compared with renting.`];
    const price = `USD ${dollars(job.price)}`, own = power(owned, job);
    const drawn = job.kwh === null ? "; electricity is not counted"
      : own ? `, and ${amount(own, "USD")} of electricity a job` : "; its electricity is not known";
    const said = [`${mine} of your own: ${price} once${drawn}. The machine around it is not counted.`];
    for (const other of answers) {
      const theirs = `${other.gpu.article} ${other.gpu.title}`, found = breakEven(owned, other, job);
      if (!found && other === owned) continue;
      if (!found) {
        const lacking = other.ranked.length ? "no rent price is known" : "the job has no time there";
        said.push(`Against renting ${theirs}: ${lacking}.`);
        continue;
      }
      const cost = amount(found.rent, "USD");
      if (found.jobs === Infinity) {
        said.push(`Against renting ${theirs} at ${cost} a job, buying never pays: electricity alone costs as much.`);
        continue;
      }
      const most = found.high === Infinity ? `${whole(found.low)} or more` : `${whole(found.low)} to ${whole(found.high)}`;
      const months = job.jobs === null ? ""
        : `: after ${about(found.jobs / job.jobs)} months of ${general(job.jobs)} jobs`;
      said.push(
        `Against renting ${theirs} at ${cost} a job, buying pays` +
          ` from about ${whole(found.jobs)} jobs on (${most})${months}.`,
      );
    }
    const busy = job.jobs === null ? 0 : job.jobs * owned.seconds[0] / 3600;
    if (busy > MONTH_HOURS)
      said.push(`${general(job.jobs)} jobs a month take about ${about(busy)} h; a month has ${MONTH_HOURS} h.`);
    return said;
  };

  const drawing = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const ticks = (most) => {
    const rough = most / 4, size = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((one) => one * size >= rough) * size;
    return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
  };
  const chart = (answers, job) => {
    const owned = answers[0], own = power(owned, job);
    const rents = answers.map((other) => breakEven(owned, other, job)).filter(Boolean);
    if (!own || !rents.length) return [];
    const crossings = rents.filter((one) => one.jobs < Infinity);
    const most = Math.max(...crossings.map((one) => 1.5 * one.jobs), job.jobs === null ? 10 : 12 * job.jobs);
    const lines = [
      { text: `buy ${owned.gpu.title}`, kind: "ours", start: job.price, slope: own[0] },
      ...rents.map((one) => ({ text: `rent ${one.gpu.title}`, kind: "theirs", start: 0, slope: one.rent[0] })),
    ];
    const top = 1.05 * Math.max(...lines.map((one) => one.start + one.slope * most));
    const x = (count) => 70 + 390 * count / most, y = (cost) => 230 - 210 * cost / top;
    const picture = drawing("svg", { viewBox: "0 0 680 270", role: "img" });
    for (const tick of ticks(top)) picture.append(
      drawing("line", { class: "grid", x1: 70, x2: 460, y1: y(tick), y2: y(tick) }),
      drawing("text", { class: "y", x: 62, y: y(tick) + 4 }, general(tick)),
    );
    for (const tick of ticks(most))
      picture.append(drawing("text", { class: "x", x: x(tick), y: 250 }, general(tick)));
    picture.append(drawing("text", { class: "x", x: 265, y: 268 }, "jobs"));
    const ends = lines.map((one) => ({ ...one, end: y(one.start + one.slope * most) }));
    ends.sort((one, other) => one.end - other.end).reduce((above, one) => {
      one.label = Math.max(one.end + 4, above + 20);
      return one.label;
    }, 0);
    for (const one of ends) picture.append(drawing("g", { class: one.kind },
      drawing("path", { d: `M${x(0)},${y(one.start)}L${x(most)},${one.end}` }),
      drawing("text", { x: 466, y: one.label }, one.text),
    ));
    let above = Infinity;
    for (const one of [...crossings].sort((a, b) => b.jobs - a.jobs)) {
      const at = [x(one.jobs), y(one.rent[0] * one.jobs)];
      above = Math.max(12, Math.min(at[1] - 8, above - 18));
      const label = `${one.gpu.title}: ${whole(one.jobs)} jobs`;
      picture.append(
        drawing("g", { class: "ours" }, drawing("circle", { cx: at[0], cy: at[1], r: 4 })),
        drawing("text", { class: "y crossing", x: at[0] - 8, y: above }, label),
      );
    }
    const first = crossings.sort((one, other) => one.jobs - other.jobs)[0];
    const title = first
      ? `Buying pays from about ${whole(first.jobs)} jobs on`
      : "Buying never pays for this job";
    picture.setAttribute("aria-label", `${title}. ${buying(answers, job).join(" ")}`);
    return [make("figure", { className: "chart" },
      make("figcaption", {}, title), picture,
      make("p", { className: "fine" }, "Cost in USD after so many jobs: the price and electricity, or rent, at the middle of their ranges."),
    )];
  };

  // A record's page; in a report of one file its section, where it has one.
  const alone = document.querySelector("main > .page");
  const linked = (page, text) => {
    if (!page) return text;
    const anchor = page.replace(/\.html$/, "").replaceAll("/", ".");
    const here = document.getElementById(anchor) ?? document.querySelector(`[data-page="${anchor}"]`);
    if (alone && !here) return text;
    return make("a", { href: alone ? `#${anchor}` : page }, text);
  };

  // The table: every method on the first GPU, the quickest on each other one.
  const cell = (label, ...children) => {
    const made = make("td", {}, make("span", {}, ...children.flatMap((one) => [one, " "])));
    made.dataset.label = label;
    return made;
  };
  const fits = (option) => {
    const text = memory(option);
    return option.verdict === "fits" || text === "unknown" ? text : `${text}, ${option.verdict}`;
  };
  const without = (option, job) => make("tr", {},
    make("th", { scope: "row" }, option.title),
    cell("GPU", option.gpu.title),
    cell("Time", linked(option.page, option.words)),
    cell("Memory", memory(option)),
    ...[`In ${general(job.hours)} h`, "Rent", "Electricity"].map((label) => cell(label, "–")),
  );
  // An amount with its interval below it.
  const parted = (text) => {
    const [main, rest] = text.split(" (");
    return rest ? [main, make("small", {}, rest.slice(0, -1))] : [main];
  };
  const row = (option, found, job) => {
    const { measured } = option;
    const [time, ends] = parted(amount(each(option.seconds, (one) => one / 3600), "h", measured));
    const kwh = option.joules ? each(option.joules, (one) => one / 3.6e6) : null;
    const energy = kwh ? parted(amount(kwh, "kWh", measured)) : ["unknown"];
    if (kwh && job.kwh !== null)
      energy.push(make("small", {}, amount(each(kwh, (one) => one * job.kwh), "USD", measured)));
    return make("tr", { className: measured ? "" : "projected" },
      make("th", { scope: "row" }, option.title),
      cell("GPU", option.gpu.title),
      cell("Time", linked(option.page, time), ...(ends ? [ends] : []), make("small", {}, note(option, found))),
      cell("Memory", fits(option)),
      cell(`In ${general(job.hours)} h`, night(option.seconds, job.hours),
        make("small", {}, trained(option.tokens, measured))),
      cell("Rent", ...(option.rent ? parted(amount(option.rent, "USD", measured)) : ["unknown"])),
      cell("Electricity", ...energy),
    );
  };
  const table = (answers, all, job) => {
    const options = answers.flatMap((found, index) =>
      (index && !all ? found.ranked.slice(0, 1) : found.ranked).map((option) => ({ option, found })));
    options.sort((one, other) => one.option.seconds[0] - other.option.seconds[0]);
    const others = all ? [] : answers[0].options.filter((option) => !option.rate);
    return [
      ...options.map(({ option, found }) => row(option, found, job)),
      ...others.map((option) => without(option, job)),
    ];
  };

  // Inputs, and the address that brings them back. A key is there where it is not the usual one.
  const USUAL = {
    model: data.model, method: "", gpu: data.gpus_shown[0], with: data.gpus_shown.slice(1).join(",") || "none",
    tokens: chosen(data.tokens).replace(" ", ""), epochs: "1", hours: general(data.hours),
    length: String(data.length), price: "", kwh: "", jobs: "",
  };
  const LIMITS = { epochs: 1e4, hours: 1e5, price: 1e9, kwh: 1e9, jobs: 1e6 };
  const NAMES = {
    epochs: "Epochs", hours: "Hours", price: "Price", kwh: "Electricity", jobs: "Jobs a month",
  };
  const state = Object.fromEntries(
    Object.entries(USUAL).map(([key, usual]) => [key, address.get(`plan.${key}`) ?? usual]));
  const inputs = {};

  const plain = (text) => text.replace(/[,_\s]/g, "");
  const number = (text) => (/^(\d+\.?\d*|\.\d+)$/.test(plain(text)) ? Number(plain(text)) : NaN);
  const tokens = (text) => {
    const rows = /^(\d+)[x×*](\d+)$/i.exec(plain(text));
    if (rows) return { tokens: Number(rows[1]) * Number(rows[2]), length: Number(rows[2]) };
    const found = /^(\d+\.?\d*)([kmgb]?)$/i.exec(plain(text));
    const size = { "": 1, k: 1e3, m: 1e6, g: 1e9, b: 1e9 };
    return { tokens: found ? Number(found[1]) * size[found[2].toLowerCase()] : NaN };
  };
  // The job that the inputs ask for, and what is wrong with them: a message by input.
  const read = () => {
    const wrong = {}, job = { model: state.model, method: state.method, length: state.length };
    const given = tokens(state.tokens);
    job.tokens = given.tokens;
    if (!(given.tokens >= 1 && given.tokens <= 1e15))
      wrong.tokens = "Tokens: write 120M, 1.5B or 40000000, or rows × length as 60000 x 2048; at least 1, at most 1e15.";
    else if (given.length && data.lengths.includes(given.length)) job.length = String(given.length);
    else if (given.length) job.other = given.length;
    for (const [key, most] of Object.entries(LIMITS)) {
      const optional = USUAL[key] === "", text = state[key].trim();
      job[key] = optional && text === "" ? null : number(text);
      if (job[key] === null || (job[key] > 0 && job[key] <= most)) continue;
      wrong[key] = `${NAMES[key]}: write a number above 0, at most ${most.toLocaleString("en")}${optional ? ", or nothing" : ""}.`;
    }
    job.title = data.models.find(([name]) => name === job.model)[1];
    job.passes = job.tokens * job.epochs;
    return { job, wrong };
  };
  const how = part("answer").querySelector("a");
  const gpuOf = (name) => data.gpus.find((one) => one.name === name);
  const others = () => state.with.split(",").filter((name) => name !== state.gpu && gpuOf(name));

  const show = () => {
    const { job, wrong } = read();
    for (const [key, input] of Object.entries(inputs)) input.ariaInvalid = String(key in wrong);
    const messages = Object.values(wrong);
    part("wrong").replaceChildren(...messages.map((text) => make("p", { className: "warning" }, text)));
    for (const name of ["answer", "table", "counts", "buy", "more"])
      if (part(name)) part(name).hidden = messages.length > 0;
    if (messages.length) return;
    inputs.length.value = job.length;
    const answers = [state.gpu, ...others()].map((name) => answerOf(gpuOf(name), job));
    const said = answers.map((found, index) => make("p", {}, index ? brief(found) : sentences(found).join(" ")));
    said[0].append(" ", how);
    if (job.other) said.push(make("p", { className: "fine" },
      `Times are of rows of ${Number(job.length).toLocaleString("en")} tokens. For ${job.other.toLocaleString("en")}: ./tunebench plan --seq ${job.other}.`));
    part("answer").replaceChildren(...said);
    part("counts")?.replaceChildren(...answers.map((found) => make("p", {}, several(found))));
    part("options").replaceChildren(...table(answers, false, job));
    part("hours").textContent = `In ${general(job.hours)} h`;
    const every = data.gpus.map((gpu) => answerOf(gpu, job));
    part("every").replaceChildren(...table(every, true, job));
    part("every-title").textContent = `Every GPU with ${job.title}: ${part("every").rows.length} options with a time`;
    const costs = job.price === null
      ? [make("p", {}, "Enter what the GPU costs to see from how many jobs on buying pays.")]
      : [make("ul", {}, ...buying(answers, job).map((text) => make("li", {}, text))), ...chart(answers, job)];
    part("buy").replaceChildren(...costs);
  };
  let later;
  const say = (wait = 0) => {
    for (const [key, usual] of Object.entries(USUAL)) {
      if (state[key] === usual) address.delete(`plan.${key}`);
      else address.set(`plan.${key}`, state[key]);
    }
    // A browser takes an address only so often, so not for every key that is pressed.
    clearTimeout(later);
    if (wait) later = setTimeout(remember, wait);
    else remember();
    show();
  };

  const labelled = (title, input) => make("label", {}, title, input);
  const select = (key, title, list) => {
    const known = list.some(([value]) => value === state[key]);
    if (!known) state[key] = USUAL[key];
    const input = make("select", {}, ...list.map(([value, text]) => make("option", { value }, text)));
    input.value = state[key];
    input.addEventListener("change", () => { state[key] = input.value; say(); });
    inputs[key] = input;
    return labelled(title, input);
  };
  const text = (key, title, placeholder = "") => {
    const input = make("input", { type: "text", value: state[key], placeholder, autocomplete: "off" });
    if (key !== "tokens") input.inputMode = "decimal";
    if (key === "epochs" || key === "hours") input.className = "short";
    for (const [event, wait] of [["input", 400], ["change", 0]])
      input.addEventListener(event, () => { state[key] = input.value; say(wait); });
    inputs[key] = input;
    return labelled(title, input);
  };
  const comparison = () => {
    const list = make("div", { className: "choices" });
    for (const gpu of data.gpus) {
      const box = make("input", { type: "checkbox", checked: others().includes(gpu.name) });
      box.addEventListener("change", () => {
        const names = new Set(state.with.split(",").filter(gpuOf));
        if (box.checked) names.add(gpu.name);
        else names.delete(gpu.name);
        state.with = [...names].join(",") || "none";
        say();
      });
      list.append(make("label", {}, box, gpu.title));
    }
    const made = make("details", { className: "columns" }, make("summary", {}, "Compare with"), list);
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      made.open = false;
      made.querySelector("summary").focus();
    });
    return made;
  };
  part("inputs").append(
    select("model", "Model", data.models),
    select("method", "Method", [["", "all that fit"], ...data.methods]),
    select("gpu", "GPU", data.gpus.map((one) => [one.name, one.title])),
    comparison(),
    text("tokens", "Tokens, or rows × length", "120M"),
    select("length", "Row length", data.lengths.map((one) => [String(one), one.toLocaleString("en")])),
    text("epochs", "Epochs"),
    text("hours", "Hours"),
  );
  part("terms").append(
    text("price", "Price of the GPU, USD", "optional"),
    text("kwh", "USD a kWh", "optional"),
    text("jobs", "Jobs a month", "optional"),
  );
  for (const name of ["inputs", "terms"]) part(name).hidden = false;
  show();
};
// Once site.js has run, whichever comes first; and whenever a report of one file turns to a page.
document.addEventListener("DOMContentLoaded", () => startPlan(document.querySelector("[data-plan]")));
document.addEventListener("turned", (event) => startPlan(event.target.querySelector("[data-plan]")));

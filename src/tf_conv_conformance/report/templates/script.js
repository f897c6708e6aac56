"use strict";
// Draws the list of calls and the detail of one. Everything from a record is set as text, never as markup.
(async () => {
  const PAGE = 200;
  const $ = (selector) => document.querySelector(selector);
  const packed = Uint8Array.from(atob($("#payload").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { cases, calls } = JSON.parse(await new Response(stream).text());
  const form = $(".filters"), list = $(".list ol"), more = $(".more"), detail = $(".detail"), count = form.querySelector("output");
  const byId = new Map(calls.map((call) => [call.id, call]));
  let only = null, found = [], drawn = 0;

  const make = (tag, text, properties = {}) => Object.assign(document.createElement(tag), text == null ? {} : { textContent: text }, properties);
  const shape = (sizes) => (sizes ? `[${sizes.join(", ")}]` : "none");
  const haystack = (call) => (call.hay ??= `${call.id} ${call.reason} ${call.against.join(" ")}`.toLowerCase());

  function options(name, values) {
    for (const value of [...new Set(values)].sort()) form.elements[name].append(make("option", value));
  }

  function matches(call, wanted, words) {
    if (only && !only.has(call.id)) return false;
    if (wanted.verdict && call.verdict !== wanted.verdict) return false;
    if (wanted.op && call.op !== wanted.op) return false;
    if (wanted.mode && call.mode !== wanted.mode) return false;
    if (wanted.dtype && call.dtype !== wanted.dtype) return false;
    if (wanted.against && !call.against.includes(wanted.against)) return false;
    return words.every((word) => haystack(call).includes(word));
  }

  function filter() {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    found = calls.filter((call) => matches(call, wanted, words));
    for (const button of document.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", button.dataset.verdict === wanted.verdict);
    count.textContent = `${found.length} of ${calls.length} calls${only ? ", of one cell" : ""}`;
    list.replaceChildren();
    drawn = 0;
    draw();
  }

  function draw() {
    for (const call of found.slice(drawn, drawn + PAGE)) {
      const button = make("button", null, { type: "button" });
      button.dataset.id = call.id;
      button.append(make("i", null, { className: `v ${call.verdict.replace(" ", "-")}` }), make("b", call.id.split("::").pop()), make("small", `${call.verdict}: ${call.reason}`));
      const item = make("li");
      item.append(button);
      list.append(item);
    }
    drawn = Math.min(drawn + PAGE, found.length);
    more.hidden = drawn >= found.length;
  }

  function rows(call, own) {
    const observed = call.observed ?? {};
    const came = observed.shape ? `${observed.dtype} of shape ${shape(observed.shape)}` : observed.error ? `${observed.error}: ${observed.message}` : observed.ended ? `${observed.ended}, ${observed.signal}` : "nothing";
    return [
      ["Verdict", `${call.verdict}: ${call.reason}`],
      ["Entry point", call.via],
      ["Relation", call.relation],
      ["Case", `${own.file}:${own.line}, ${own.id}`],
      ["Documented", call.refuses ? `an exception (${call.refuses.join(", ")}); the formula would give ${shape(call.formula)}` : `${call.dtype} of shape ${shape(call.formula)}`],
      ["Expected", own.expect && JSON.stringify(own.expect)],
      ["Observed", came],
      ["Difference", call.difference],
      ["Warnings", call.warnings.map((warned) => `${warned.category}: ${warned.message}`).join("\n")],
      ["Contradicts", call.against.join("\n")],
      ["Notes", own.notes],
      ["References", own.references.join("\n")],
      ["Deviations", own.deviations.map((one) => `${one.rule}: ${JSON.stringify(one.observed)}\n${one.reported}`).join("\n")],
      ["Exercises", call.rules.join(", ")],
      ["Time", call.seconds == null ? null : `${(1000 * call.seconds).toFixed(1)} ms`],
      ["Last output", observed.output],
    ].filter(([, value]) => value);
  }

  function show(call) {
    const facts = make("dl");
    for (const [name, value] of rows(call, cases[call.case])) facts.append(make("dt", name), make("dd", value));
    detail.replaceChildren(make("h3", call.id), facts);
    if (call.python) {
      const copy = make("button", "Copy", { type: "button", className: "copy" });
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(call.python);
        copy.textContent = "Copied";
      });
      detail.append(make("h4", "The call, to paste and run"), copy, make("pre", call.python));
    }
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-current", button.dataset.id === call.id);
  }

  function follow() {
    const call = byId.get(decodeURIComponent(location.hash.slice(1)));
    if (!call) return;
    show(call);
    $("#calls").scrollIntoView();
  }

  function narrow(ids, values) {
    form.reset();
    only = ids && new Set(ids);
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    filter();
    $("#calls").scrollIntoView();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { id, calls: cell, rule, verdict } = button.dataset;
    if (id) location.hash = encodeURIComponent(id);
    if (cell) narrow(cell.split("\n"), {});
    if (rule) narrow(null, { against: rule });
    if (verdict) narrow(null, { verdict: button.getAttribute("aria-pressed") === "true" ? "" : verdict });
  });
  more.addEventListener("click", draw);
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { only = null; setTimeout(filter); });
  addEventListener("hashchange", follow);
  options("op", calls.map((call) => call.op));
  options("mode", calls.map((call) => call.mode));
  options("dtype", calls.map((call) => call.dtype));
  options("against", calls.flatMap((call) => call.against));
  filter();
  follow();
})();

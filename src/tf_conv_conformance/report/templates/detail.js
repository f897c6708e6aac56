// The detail of one call: what is documented, what was observed, why, and how to reproduce it.
const LONG = 2000; // characters of notes that are shown unasked
const quoted = (name) => $(`#rule-${CSS.escape(name)} q`)?.textContent;

function outcomeOf(observed) {
  if (!observed) return "nothing: the call was not made";
  if (observed.shape) return `${observed.dtype} of shape ${shapeText(observed.shape)}`;
  if (observed.error) return `${observed.error}: ${observed.message}`;
  if (observed.signal) return `the process died (${observed.signal})`;
  if (observed.exit_status != null) return `the process ended with exit status ${observed.exit_status}`;
  if (observed.time_limit) return `no answer within ${observed.time_limit} s`;
  if (observed.protocol_error) return `protocol error: ${observed.protocol_error}`;
  return "the suite's worker failed";
}

// What was known of the shape before the call, where that is not the shape itself.
function knownShapes(observed) {
  return ["static", "symbolic", "computed"].filter((name) => observed?.[name] !== undefined).map((name) => {
    const shape = observed[name];
    if (shape === null || typeof shape === "string") return `${name}: ${shape ?? "unknown rank"}`;
    return `${name}: ${shapeText(shape.map((size) => size ?? "None"))}`;
  }).join("\n");
}

function documentedBy(call, number) {
  if (call.refuses) return `an exception (${call.refuses.join(", ")}); the formula would give ${shapeText(call.formula)}`;
  if (!call.formula) return "unknown: the suite failed to predict it";
  return `${value("dtype", number)} of shape ${shapeText(call.formula)}`;
}

// What the case's `expect` says, where that is more than the documentation.
function expectedBy(expect) {
  if (!expect || expect === "result") return null;
  const parts = Object.entries(expect).map(([name, wanted]) => `${name} ${typeof wanted === "string" ? wanted : JSON.stringify(wanted).replaceAll(",", ", ")}`);
  return `${parts.join(", ")}, by the case's expect`;
}

function facts(pairs) {
  const list = make("dl");
  for (const [name, text] of pairs) if (text) list.append(make("dt", {}, name), make("dd", {}, text));
  return list;
}

function largestOf(call, number) {
  if (calls.largest[number] == null) return null;
  const place = call.largest_at ? ` at [${call.largest_at.join(", ")}]` : "";
  return `${calls.largest[number]}${call.ulp == null ? "" : `, ${call.ulp} ulp`}${place}`;
}

function copyButton(label, text) {
  const button = make("button", { type: "button", className: "copy" }, label);
  button.addEventListener("click", async () => {
    await copy(text());
    button.textContent = "Copied";
  });
  return button;
}

function copied(title, text) {
  const block = make("pre", { tabIndex: 0, role: "region", "aria-label": title }, text);
  return make("section", { className: "copied" }, make("h4", {}, title), copyButton("Copy", () => text), block);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a browser that keeps its clipboard from pages on disk
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function why(call, number) {
  const lines = value("against", number).map((rule) => {
    const text = quoted(rule);
    return make("li", {}, make("a", { href: `#rule-${rule}` }, rule), text ? make("q", {}, text) : null);
  });
  const explained = call.explained && make("p", {}, "Explained by the model ", make("b", {}, call.explained.replace("_", "-")), ": shape, dtype and every value are what it predicts.");
  if (lines.length === 0 && !explained) return null;
  return make("section", {}, make("h4", {}, "Why"), explained, lines.length ? make("ul", { className: "against" }, ...lines) : null);
}

function arithmetic(axes, dimensions) {
  const parts = [["height", axes[0]], ["width", axes[1]]].slice(-dimensions).flatMap(([name, axis]) => axis.models.map((model) =>
    make("div", {}, make("h5", {}, `${name}, ${model.name.replace("_", "-")}`), make("pre", { tabIndex: 0, role: "region", "aria-label": `${name}, ${model.name}` }, model.steps.join("\n")))));
  return make("section", { className: "arithmetic" }, make("h4", {}, "The predicted size, step by step"), ...parts);
}

function links(texts) {
  return texts.map((text) => make("li", {}, /^https?:\/\//.test(text) ? make("a", { href: text, rel: "noreferrer" }, text) : text));
}

function sources(call) {
  const own = call.case;
  const references = [...new Set([...own.references, ...own.deviations.map((one) => one.reported).filter((one) => one !== "unreported")])];
  const notes = own.notes && make("p", { className: "notes" }, own.notes);
  const long = own.notes?.length > LONG && make("details", {}, make("summary", {}, `Notes of ${own.notes.length.toLocaleString("en")} characters`), notes);
  return make("section", {}, long || notes,
    references.length ? make("ul", {}, ...links(references)) : null);
}

// The wrong oracles that the calls of a case exclude, and which of them this call does not.
function excluded(call) {
  const all = call.case.excludes;
  if (!all) return null;
  const items = all.counts.map(([name, count], place) => {
    const here = call.excludes?.includes(place);
    const notes = [count < all.calls ? `${count.toLocaleString("en")} of ${all.calls.toLocaleString("en")} calls` : null, here ? null : "not this one"].filter(Boolean).join(", ");
    return make("li", { className: here ? "here" : "" }, ...(notes ? [`${name} `, make("small", {}, `(${notes})`)] : [name]));
  });
  const others = all.calls > 1 ? `of the ${all.calls.toLocaleString("en")} calls of its case that are compared with an oracle` : null;
  const about = [
    call.excludes ? null : "This call is not compared with an oracle's values.",
    items.length ? "Each would have given another result on the data" : "None would have given another result on the data",
    others ? `${others}. A count is given if not all of them exclude it.` : "of this call.",
  ].filter(Boolean).join(" ");
  return make("section", {}, make("h4", {}, "Wrong oracles that the data excludes"), make("p", {}, about), make("ul", { className: "excluded" }, ...items));
}

// The calls that differ from a call only in the mode.
function otherModes(number) {
  const placeOf = (other) => index.modes.indexOf(value("mode", other));
  const group = index.alike.mode[number];
  const others = index.alike.mode.flatMap((one, other) => (one === group && other !== number ? [other] : []));
  others.sort((one, other) => placeOf(one) - placeOf(other));
  if (others.length === 0) return null;
  const items = others.map((other) => make("li", {}, make("i", { className: look(value("verdict", other)) }), make("a", { href: linkTo(other) }, value("mode", other)), ` ${value("verdict", other)}: ${value("result", other)}`));
  return make("section", {}, make("h4", {}, "The same call in other modes"), make("ul", { className: "others" }, ...items));
}

async function detail(number) {
  const call = await detailOf(number), own = call.case;
  const verdict = value("verdict", number);
  const head = make("p", { className: "head" }, make("i", { className: look(verdict) }), make("b", {}, verdict), `: ${value("reason", number)}`);
  const table = facts([
    ["Documented", documentedBy(call, number)],
    ["Because", call.because.join("; ")],
    ["Expected", expectedBy(own.expect)],
    ["Observed", outcomeOf(call.observed)],
    ["Known shape", knownShapes(call.observed)],
    ["Difference", call.difference],
    ["Largest", largestOf(call, number)],
    ["Instead", call.instead],
    ["Deployed", call.deployed],
    ["Warnings", call.warnings.map((warned) => `${warned.category}: ${warned.message}`).join("\n")],
    ["Entry point", `${call.via}, ${value("mode", number)}${call.gradient ? `, gradient with respect to the ${call.gradient}` : ""}${call.through ? `, through ${call.through}` : ""}`],
    ["Before", call.before],
    ["After", call.after],
    ["Executed", call.observed?.operations?.join(", ")],
    ["Relation", call.relation],
    ["Subject", several ? value("version", number) : null],
    ["Case", `${own.file}:${own.line}, ${own.id}`],
    ["Time", calls.seconds[number] == null ? null : `${(1000 * calls.seconds[number]).toFixed(1)} ms`],
    ["Last output", call.observed?.output],
  ]);
  const picture = call.axes && pictures(call.axes);
  if (picture && call.heat && !call.gradient) {
    const at = call.nchw ? call.largest_at.slice(-call.dimensions) : call.largest_at.slice(-1 - call.dimensions, -1);
    picture.choose(...[0, ...at].slice(-2));
  }
  const actions = make("p", { className: "actions" }, copyButton("Copy as Markdown", () => markdown(call, number)), make("a", { className: "permalink", href: linkTo(number) }, "Link to this call"));
  const parts = [make("h3", {}, fullName(number)), head, actions, sources(call), table, why(call, number), otherModes(number)];
  if (picture) {
    parts.push(make("section", {}, make("h4", {}, "Which input elements feed an output element"), picture.element));
    if (call.heat) parts.push(make("section", {}, make("h4", {}, "Where the values differ"), heatMap(call.heat, calls.largest[number], picture.choose)));
    parts.push(arithmetic(call.axes, call.dimensions));
  }
  parts.push(excluded(call));
  if (call.python) parts.push(copied("The call as Python, without this suite", call.python));
  parts.push(copied(`The case, ${own.file}:${own.line}`, own.yaml));
  parts.push(facts([["Exercises", value("rule", number).join(", ")]]));
  return parts.filter(Boolean);
}

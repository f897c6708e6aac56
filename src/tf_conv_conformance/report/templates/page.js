// What is shown is said by the address: "#call?verdict=violates&mode=xla". Whatever is chosen or filtered changes the address.
const form = $("#filters");
const list = new List($(".list"), (number) => { state.call = number; remember(); open(number); });
const state = { call: null, only: "" };
const haystacks = new Array(total);
const rank = values.verdict.map((verdict) => index.order.indexOf(verdict));

// Shapes are found with or without spaces and brackets, and strides by either name: stride=3 finds no stride of 32.
const searched = (text) => text.toLowerCase().replace(/[[\]()]/g, "").replace(/,\s+/g, ",").replaceAll("strides=", "stride=").replaceAll("dilations=", "rate=");

function haystack(number) {
  const own = (name) => value(name, number);
  return (haystacks[number] ??= searched(`${fullName(number)} ${own("verdict")} ${own("reason")} ${own("against").join(" ")} ${own("shapes")} ${own("result")} stride=${own("stride")} rate=${own("rate")} `));
}

// The numbers of the calls that the form lets through.
function found() {
  const wanted = new FormData(form);
  const words = searched(wanted.get("text")).split(/\s+/).filter(Boolean).map((word) => (/^(stride|rate)=./.test(word) ? ` ${word} ` : word));
  const cell = state.only && document.getElementById(state.only);
  const all = cell ? numbersIn(cell.dataset.calls) : Array.from({ length: total }, (_, number) => number);
  const some = words.length ? all.filter((number) => words.every((word) => haystack(number).includes(word))) : all;
  return sorted(tally(some, (facet) => wanted.getAll(facet.name)), wanted.get("sort"));
}

function sorted(numbers, by) {
  const place = (number) => rank[calls.verdict[number]];
  const orders = {
    "": (one, other) => place(one) - place(other) || one - other,
    file: (one, other) => one - other,
    name: (one, other) => (calls.name[one] < calls.name[other] ? -1 : calls.name[one] > calls.name[other] ? 1 : one - other),
    seconds: (one, other) => (calls.seconds[other] ?? -1) - (calls.seconds[one] ?? -1) || one - other,
    largest: (one, other) => (calls.largest[other] ?? -1) - (calls.largest[one] ?? -1) || one - other,
  };
  return numbers.sort(orders[by] ?? orders[""]);
}

// For each call, the results of the calls that differ from it only in `name`: "xla: deviates; eager, graph: conforms".
function disagreements(name) {
  const members = new Map();
  index.alike[name].forEach((group, number) => members.set(group, [...(members.get(group) ?? []), number]));
  const labels = new Map();
  for (const [group, numbers] of members) {
    const verdicts = Map.groupBy(numbers, (number) => value("verdict", number));
    const parts = [...verdicts].map(([verdict, some]) => `${[...new Set(some.map((number) => value(name, number)))].sort().join(", ")}: ${verdict}`).sort();
    labels.set(group, { alike: verdicts.size === 1, text: verdicts.size === 1 ? `no disagreement: ${[...verdicts.keys()][0]}` : parts.join("; ") });
  }
  return (number) => labels.get(index.alike[name][number]);
}

function grouped(numbers, by) {
  if (!by) return numbers;
  const plain = { against: (number) => value("against", number).join(", ") || "no rule", file: (number) => value("file", number) };
  const label = plain[by] ? (number) => ({ alike: false, text: plain[by](number) }) : disagreements(by);
  const groups = Map.groupBy(numbers, (number) => label(number).text);
  const first = (some) => Number(label(some[0]).alike);
  return [...groups].sort(([, one], [, other]) => first(one) - first(other)).flatMap(([text, some]) => [`${text} (${some.length.toLocaleString("en")} calls)`, ...some]);
}

function filter() {
  const numbers = found();
  $("output", form).textContent = `${numbers.length.toLocaleString("en")} of ${total.toLocaleString("en")} calls`;
  $(".chips", form).replaceChildren(...chips());
  list.show(grouped(numbers, form.elements.group.value));
  $(".none").hidden = numbers.length > 0;
  if (state.call != null) list.select(state.call);
}

// The filters, each a button that takes it away.
function chips() {
  const chip = (text, remove) => {
    const button = make("button", { type: "button", className: "chip", "aria-label": `Remove the filter ${text}` }, `${text} ×`);
    button.addEventListener("click", () => { remove(); filter(); remember(); });
    return button;
  };
  const checked = facets.flatMap((facet) => facet.boxes.filter((box) => box.checked).map((box) => chip(`${facet.title}: ${box.value || "none"}`, () => { box.checked = false; })));
  return state.only ? [chip("what was clicked", () => { state.only = ""; }), ...checked] : checked;
}

async function open(number) {
  const parts = await detail(number);
  if (state.call !== number) return; // another was chosen meanwhile
  const pane = $(".detail");
  pane.replaceChildren(...parts);
  pane.scrollTop = 0;
}

function remember(jump = false) {
  const given = new URLSearchParams([...new FormData(form)].filter(([name, text]) => text || facets.some((facet) => facet.name === name)));
  if (state.only) given.set("only", state.only);
  if (state.call != null) given.set("h", calls.hash[state.call]);
  const call = state.call == null ? "" : encodeURIComponent(fullName(state.call));
  history[jump ? "pushState" : "replaceState"](null, "", `#${call}${given.size ? `?${given}` : ""}`);
}

// Set the form; what is not given is cleared.
function fill(given) {
  for (const element of form.elements) {
    if (element.type === "checkbox") element.checked = given.getAll(element.name).includes(element.value);
    else if (element.name) element.value = given.get(element.name) ?? "";
  }
}

// The first call of a name, with its column or without.
function named(name) {
  const number = calls.name.findIndex((own, at) => name.includes(own) && (name === fullName(at) || name === `${value("file", at)}::${own}`));
  return number < 0 ? null : number;
}

// The call of a link: by its name if that still is the same call, else by its content, else by its name alone.
function linked(name, hash) {
  const byName = named(name);
  if (!hash || (byName != null && calls.hash[byName] === hash)) return byName;
  const alike = calls.hash.flatMap((one, number) => (one === hash ? [number] : []));
  return alike.find((number) => several && name.endsWith(` @ ${value("version", number)}`)) ?? alike.at(-1) ?? byName;
}

// What a link names; one that was cut within an escape names nothing.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Take the state from the address; an address that names a section is the browser's.
function restore() {
  const address = location.hash.slice(1);
  if (address && document.getElementById(address)) {
    if (!list.rows.length) filter(); // the page was opened there
    return;
  }
  const [encoded, given = ""] = address.split("?");
  const wanted = new URLSearchParams(given), name = decoded(encoded);
  fill(wanted);
  state.only = document.getElementById(wanted.get("only") ?? "")?.dataset.calls ? wanted.get("only") : "";
  state.call = name ? linked(name, wanted.get("h")) : null;
  filter();
  if (state.call != null) open(state.call);
  else if (name) $(".detail").replaceChildren(make("p", { className: "partial" }, `This report has no call ${name}, and none with the same arguments.`));
  if (address) $("#calls").scrollIntoView();
}

// Show the calls of what was clicked.
function jump(only) {
  fill(new URLSearchParams());
  state.only = only;
  filter();
  remember(true);
  if (only) $("#calls").scrollIntoView();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-calls]");
  if (button) jump(button.id);
});
const panel = $(".facets");
drawFacets(panel);
panel.open = matchMedia("(min-width: 60rem)").matches;
for (const one of [form, panel]) one.addEventListener("input", () => { filter(); remember(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => { event.preventDefault(); jump(""); });
addEventListener("hashchange", restore);
restore();

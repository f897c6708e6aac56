// What is shown is said by the address: "#call?verdict=violates&mode=xla". Whatever is chosen or filtered changes the address.
const form = $(".filters");
const fields = [...form.elements].map((element) => element.name).filter(Boolean);
const list = new List($(".list"), (number) => { state.call = number; remember(); open(number); });
const numberOf = new Map();
for (let number = total - 1; number >= 0; number -= 1) numberOf.set(fullName(number), number).set(`${value("file", number)}::${calls.name[number]}`, number);
const state = { call: null, only: "" };
const haystacks = new Array(total);
const rank = index.order.map((verdict) => values.verdict.indexOf(verdict));

function haystack(number) {
  return (haystacks[number] ??= `${fullName(number)} ${value("verdict", number)} ${value("reason", number)} ${value("against", number).join(" ")}`.toLowerCase());
}

function options() {
  for (const name of ["verdict", "version", "op", "mode", "dtype", "file"]) {
    const given = { version: values.version, mode: index.modes }[name] ?? [...values[name]].sort();
    form.elements[name]?.append(...given.map((one) => make("option", { value: one }, one)));
  }
  for (const [name, column] of [["against", "against"], ["supports", "supports"], ["rule", "rules"]]) {
    form.elements[name].append(...[...new Set(values[column].flat())].sort().map((one) => make("option", { value: one }, one)));
  }
}

// The numbers of the calls that the form lets through.
function found() {
  const wanted = Object.fromEntries(new FormData(form));
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  const cell = state.only && document.getElementById(state.only);
  const numbers = cell ? numbersIn(cell.dataset.calls) : Array.from({ length: total }, (_, number) => number);
  const tests = ["verdict", "version", "op", "mode", "dtype", "file"].filter((name) => wanted[name]).map((name) => {
    const column = calls[name], one = values[name].indexOf(wanted[name]);
    return (number) => column[number] === one;
  });
  for (const [name, column] of [["against", "against"], ["supports", "supports"], ["rule", "rules"]]) {
    if (!wanted[name]) continue;
    const has = values[column].map((rules) => rules.includes(wanted[name]));
    tests.push((number) => has[calls[column][number]]);
  }
  if (words.length) tests.push((number) => words.every((word) => haystack(number).includes(word)));
  return sorted(numbers.filter((number) => tests.every((test) => test(number))), wanted.sort);
}

function sorted(numbers, by) {
  const place = (number) => rank.indexOf(calls.verdict[number]);
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
  $("output", form).textContent = `${numbers.length.toLocaleString("en")} of ${total.toLocaleString("en")} calls${state.only ? ", filtered by what was clicked" : ""}`;
  for (const button of $$(".totals [data-verdict]")) {
    const version = !several || form.elements.version.value === values.version[button.dataset.version];
    button.setAttribute("aria-pressed", String(button.dataset.verdict === form.elements.verdict.value && version));
  }
  list.show(grouped(numbers, form.elements.group.value));
  if (state.call != null) list.select(state.call);
}

async function open(number) {
  const parts = await detail(number);
  if (state.call !== number) return; // another was chosen meanwhile
  const pane = $(".detail");
  pane.replaceChildren(...parts);
  pane.scrollTop = 0;
}

function remember(jump = false) {
  const given = new URLSearchParams();
  for (const name of fields) if (form.elements[name].value) given.set(name, form.elements[name].value);
  if (state.only) given.set("only", state.only);
  const call = state.call == null ? "" : encodeURIComponent(fullName(state.call));
  const address = `#${call}${given.size ? `?${given}` : ""}`;
  history[jump ? "pushState" : "replaceState"](null, "", address);
}

// Take the state from the address; an address that names a section is the browser's.
function restore() {
  const address = location.hash.slice(1);
  if (address && document.getElementById(address)) return;
  const [name, given = ""] = address.split("?");
  const wanted = new URLSearchParams(given);
  for (const field of fields) form.elements[field].value = wanted.get(field) ?? "";
  state.only = document.getElementById(wanted.get("only") ?? "")?.dataset.calls ? wanted.get("only") : "";
  state.call = numberOf.get(decodeURIComponent(name)) ?? null;
  filter();
  if (state.call != null) open(state.call);
  if (address) $("#calls").scrollIntoView();
}

// Show other calls: filtered by what was clicked, or those that match.
function jump(only, given) {
  form.reset();
  state.only = only;
  for (const [name, wanted] of Object.entries(given)) if (form.elements[name]) form.elements[name].value = wanted;
  filter();
  remember(true);
  $("#calls").scrollIntoView();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button, [data-number]");
  if (!button) return;
  const { number, calls: some, supports, against, verdict, version, mode } = button.dataset;
  if (number) {
    event.preventDefault();
    state.call = Number(number);
    jump("", {});
    open(state.call);
  }
  if (some) jump(button.id, {});
  if (supports) jump("", { supports });
  if (against) jump("", { against });
  if (mode) jump("", { mode, verdict, version: several ? values.version[version] : "" });
  else if (verdict) jump("", button.getAttribute("aria-pressed") === "true" ? {} : { verdict, version: several ? values.version[version] : "" });
});
form.addEventListener("input", () => { filter(); remember(); });
form.addEventListener("submit", (event) => event.preventDefault());
$("[type=reset]", form).addEventListener("click", (event) => { event.preventDefault(); jump("", {}); });
addEventListener("popstate", restore);
addEventListener("hashchange", restore);
options();
restore();

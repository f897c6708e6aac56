// The facets: properties of calls, each value with the number of calls that have it under all other filters.
const FACETS = {
  verdict: "Verdict", version: "Subject", op: "Operator", mode: "Mode", outcome: "Result", padding: "Padding", stride: "Stride", rate: "Rate",
  dtype: "dtype", via: "Entry point", against: "Contradicts", supports: "Supports", rule: "Exercises", file: "File",
};
const OPEN = ["verdict", "op", "mode", "outcome"];

// A facet: its labels in order, and for each value of its column which of them it has.
function facetOf(name, title) {
  const given = values[name].map((one) => (Array.isArray(one) ? one : [one]));
  const order = { verdict: index.order, mode: index.modes, version: values.version }[name];
  const labels = [...new Set(given.flat())].sort((one, other) => (order ? order.indexOf(one) - order.indexOf(other) : one.localeCompare(other, "en", { numeric: true })));
  const place = new Map(labels.map((label, at) => [label, at]));
  return { name, title, labels, column: calls[name], members: given.map((some) => some.map((label) => place.get(label))), boxes: [], counts: [] };
}

const facets = Object.entries(FACETS).map(([name, title]) => facetOf(name, title)).filter((facet) => facet.labels.length > 1);

function drawFacets(panel) {
  for (const facet of facets) {
    const rows = facet.labels.map((label) => {
      const box = make("input", { type: "checkbox", name: facet.name, value: label });
      box.setAttribute("form", "filters");
      const count = make("b");
      facet.boxes.push(box);
      facet.counts.push(count);
      return make("label", { title: label }, box, make("span", {}, label || "none"), count);
    });
    const box = make("div", { className: "values", role: "group", "aria-label": facet.title }, ...rows);
    panel.append(make("details", { open: OPEN.includes(facet.name), className: "facet" }, make("summary", {}, facet.title), box));
  }
}

// The calls among `numbers` that pass all facets; the counts of each facet are of those that pass the others.
function tally(numbers, chosen) {
  const passes = facets.map((facet) => {
    const wanted = new Set(chosen(facet).map((label) => facet.labels.indexOf(label)));
    return wanted.size ? facet.members.map((some) => some.some((label) => wanted.has(label))) : null;
  });
  const active = passes.flatMap((pass, place) => (pass ? [place] : []));
  const counts = facets.map((facet) => new Uint32Array(facet.members.length));
  const passing = numbers.filter((number) => {
    const failed = active.filter((place) => !passes[place][facets[place].column[number]]);
    if (failed.length === 0) facets.forEach((facet, place) => { counts[place][facet.column[number]] += 1; });
    if (failed.length === 1) counts[failed[0]][facets[failed[0]].column[number]] += 1;
    return failed.length === 0;
  });
  facets.forEach((facet, place) => showCounts(facet, counts[place]));
  return passing;
}

function showCounts(facet, byValue) {
  const counts = new Uint32Array(facet.labels.length);
  facet.members.forEach((some, value) => some.forEach((label) => { counts[label] += byValue[value]; }));
  facet.boxes.forEach((box, place) => {
    facet.counts[place].textContent = counts[place].toLocaleString("en");
    box.parentElement.hidden = counts[place] === 0 && !box.checked;
  });
}

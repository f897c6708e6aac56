// What the page was given: an index of all calls in columns, and their details in chunks that are opened when one of them is shown.
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

async function unpack(element) {
  const letters = atob(element.textContent);
  const packed = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) packed[place] = letters.charCodeAt(place);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const index = await unpack($("#index"));
const { values, calls } = index;
const total = calls.name.length;
const several = values.version.length > 1;
const opened = new Map();

const value = (name, number) => values[name][calls[name][number]];
const fullName = (number) => `${value("file", number)}::${calls.name[number]}${several ? ` @ ${value("version", number)}` : ""}`;
// A link that still finds the call by its content when its file or its name is another.
const linkTo = (number) => `#${encodeURIComponent(fullName(number))}?h=${calls.hash[number]}`;
const look = (verdict) => `v ${verdict.replace(" ", "-")}`;
const shapeText = (sizes) => (sizes ? `[${sizes.join(", ")}]` : "none");

async function detailOf(number) {
  const place = Math.floor(number / index.chunk);
  if (!opened.has(place)) opened.set(place, unpack($$(".chunk")[place]));
  const chunk = await opened.get(place);
  const call = chunk.calls[number % index.chunk];
  return { ...call, case: chunk.cases[call.case], axes: call.axes && call.axes.map((axis) => chunk.axes[axis]) };
}

// Elements: everything from a record is set as text, never as markup.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, given] of Object.entries(properties)) {
    if (name in element) element[name] = given;
    else element.setAttribute(name, given);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// "3-7,9" → [3, 4, 5, 6, 7, 9]
function numbersIn(ranges) {
  return ranges.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
}

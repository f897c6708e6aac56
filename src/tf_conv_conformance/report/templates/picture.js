// Which input elements feed an output element, as the models say; and how far off each element of a result is.
const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, given] of Object.entries(attributes)) element.setAttribute(name, given);
  element.append(...children);
  return element;
}

// The positions on an axis that an output reads, padding in its place: negative before the input, its size or more after it.
function readsOf(axis, model, output) {
  return Array.from({ length: axis.filter }, (_, tap) => model.starts[output] + axis.rate * tap);
}

// The positions that a picture of an axis shows: the padded input, and whatever is read beyond it.
function extent(axis, model) {
  const last = Math.max(...model.starts) + axis.rate * (axis.filter - 1);
  return { first: Math.min(-model.before, ...model.starts), end: Math.max(axis.size + model.after, last + 1) };
}

let patterns = 0;
function grid(rows, columns, title, cells, room = 340) {
  const cell = Math.max(3, Math.min(20, Math.floor(room / Math.max(rows.end - rows.first, columns.end - columns.first))));
  const name = `grid-${(patterns += 1)}`;
  const box = (row, column, height, width, kind) => draw("rect", { x: column * cell, y: row * cell, width: width * cell, height: height * cell, class: kind });
  const size = { width: (columns.end - columns.first) * cell + 1, height: (rows.end - rows.first) * cell + 1 };
  const picture = draw("svg", { ...size, viewBox: `${columns.first * cell - 0.5} ${rows.first * cell - 0.5} ${size.width} ${size.height}`, role: "img", "aria-label": title });
  const lines = draw("path", { d: `M ${cell} 0 L 0 0 0 ${cell}`, class: "lines" });
  picture.append(
    draw("title", {}, title),
    draw("defs", {}, draw("pattern", { id: name, width: cell, height: cell, patternUnits: "userSpaceOnUse" }, lines)),
    ...cells.map((one) => box(...one)),
    draw("rect", { x: columns.first * cell, y: rows.first * cell, width: size.width - 1, height: size.height - 1, fill: `url(#${name})`, class: "frame" }),
  );
  picture.dataset.cell = cell;
  return picture;
}

function inputPicture([height, width], [rows, columns], [row, column]) {
  const down = extent(height, rows), across = extent(width, columns);
  const taps = readsOf(height, rows, row).flatMap((y) => readsOf(width, columns, column).map((x) => {
    const inside = y >= 0 && y < height.size && x >= 0 && x < width.size;
    return [y, x, 1, 1, inside ? "tap" : "tap outside"];
  }));
  const title = `Input of ${height.size} × ${width.size}: output [${row}, ${column}] reads rows ${readsOf(height, rows, row).join(", ")} and columns ${readsOf(width, columns, column).join(", ")}`;
  return grid(down, across, title, [
    [down.first, across.first, down.end - down.first, across.end - across.first, "padding"],
    [0, 0, height.size, width.size, "input"],
    ...taps,
  ]);
}

// A grid of an output's elements; `choose` gets the row and the column of the one that is clicked.
function outputPicture(rows, columns, cells, title, choose, room) {
  const picture = grid({ first: 0, end: rows }, { first: 0, end: columns }, title, cells, room);
  picture.classList.add("chooses");
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect(), cell = Number(picture.dataset.cell);
    const place = (offset, end) => Math.min(end - 1, Math.max(0, Math.floor(offset / cell)));
    choose(place(event.clientY - box.top, rows), place(event.clientX - box.left, columns));
  });
  return picture;
}

// The first output position for which two models read otherwise; 0 where there is none.
function firstUnlike([one, other]) {
  return Math.max(0, other ? one.starts.findIndex((start, place) => place < other.out && other.starts[place] !== start) : 0);
}

// The pictures of a call, each model's output above its input, with what steps through the output elements.
function pictures(axes) {
  const models = axes[0].models.map((_, place) => axes.map((axis) => axis.models[place])).filter((pair) => pair.every((model) => model.starts));
  if (models.length === 0) return { element: make("p", {}, "This is too large to draw, or has no elements."), choose() {} };
  const most = [0, 1].map((axis) => Math.max(...models.map((pair) => pair[axis].out)));
  const at = [0, 0];
  const figures = make("div", { className: "figures" });
  const said = make("p", { className: "said", "aria-live": "polite" });
  const inputs = ["row", "column"].map((name, axis) => make("input", { type: "number", min: 0, max: most[axis] - 1, value: 0, "aria-label": `output ${name}` }));

  function one(pair) {
    const [rows, columns] = pair;
    const there = at[0] < rows.out && at[1] < columns.out;
    const caption = make("figcaption", {}, make("b", {}, rows.name.replace("_", "-")), `: output ${rows.out} × ${columns.out}`);
    const chosen = there ? [[at[0], at[1], 1, 1, "tap"]] : [];
    const output = outputPicture(rows.out, columns.out, [[0, 0, rows.out, columns.out, "input"], ...chosen], `Output of ${rows.out} × ${columns.out}; click an element`, choose, 120);
    const reads = there ? inputPicture(axes, pair, at) : make("p", {}, `has no output [${at.join(", ")}]`);
    return make("figure", { "data-model": rows.name }, caption, output, make("small", {}, "reads these input elements"), reads);
  }

  function choose(row, column) {
    [row, column].forEach((wanted, axis) => {
      at[axis] = Math.min(most[axis] - 1, Math.max(0, wanted || 0));
      inputs[axis].value = at[axis];
    });
    figures.replaceChildren(...models.map(one));
    said.textContent = models.filter(([rows, columns]) => at[0] < rows.out && at[1] < columns.out).map(([rows, columns]) =>
      `${rows.name.replace("_", "-")}: rows ${readsOf(axes[0], rows, at[0]).join(", ")}; columns ${readsOf(axes[1], columns, at[1]).join(", ")}`).join("\n");
  }

  function step(by) {
    const place = at[0] * most[1] + at[1] + by;
    if (place >= 0 && place < most[0] * most[1]) choose(Math.floor(place / most[1]), place % most[1]);
  }

  const back = make("button", { type: "button" }, "← previous"), on = make("button", { type: "button" }, "next →");
  back.addEventListener("click", () => step(-1));
  on.addEventListener("click", () => step(1));
  for (const input of inputs) input.addEventListener("input", () => choose(...inputs.map((one) => Number(one.value))));
  choose(...[0, 1].map((axis) => firstUnlike(models.map((pair) => pair[axis]))));
  const legend = make("p", { className: "legend" }, make("i", { className: "swatch tap" }), "read ", make("i", { className: "swatch outside" }), "read as a padded zero ", make("i", { className: "swatch padding" }), "padding");
  const controls = make("p", { className: "controls" }, back, on, "output [", inputs[0], ", ", inputs[1], "]");
  return { element: make("div", { className: "picture" }, controls, said, figures, legend), choose };
}

function heatMap(heat, largest, choose) {
  const [down, across] = heat.block;
  const cells = heat.levels.flatMap((row, y) => [...row].map((level, x) => [y, x, 1, 1, `heat h${level}`]));
  const title = `Where the result of ${heat.size.join(" × ")} differs from the documented formula`;
  const picture = outputPicture(heat.levels.length, heat.levels[0].length, cells, title, (row, column) => choose(row * down, column * across));
  const unit = down * across > 1 ? `, each cell ${down} × ${across} elements` : "";
  const most = largest == null ? "by infinity or NaN at most" : `by ${largest} at most`;
  return make("figure", { className: "heatmap" }, make("figcaption", {}, `|observed − documented| over rows and columns, the largest of batch and channels${unit}; ${most}`), picture);
}

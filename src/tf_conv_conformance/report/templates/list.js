// A list of any length: the rows that are in sight are drawn, each of one height.
const ROW = 46;

class List {
  constructor(box, choose) {
    this.box = box;
    this.choose = choose;
    this.room = make("div", { className: "room", role: "presentation" });
    this.rows = [];
    this.chosen = -1;
    box.append(this.room);
    box.addEventListener("scroll", () => this.draw());
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("click", (event) => {
      const row = event.target.closest("[data-place]");
      if (row) this.go(Number(row.dataset.place));
    });
    new ResizeObserver(() => this.draw()).observe(box);
  }

  // Rows are numbers of calls, and texts that head the rows after them.
  show(rows) {
    this.rows = rows;
    this.room.style.height = `${rows.length * ROW}px`;
    this.box.scrollTop = 0;
    this.drawn = "";
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - 6);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW) + 6);
    const state = `${first} ${last} ${this.chosen}`;
    if (state === this.drawn) return;
    this.drawn = state;
    this.room.replaceChildren(...this.rows.slice(first, last).map((row, offset) => this.row(row, first + offset)));
    const place = this.rows.indexOf(this.chosen);
    if (place >= first && place < last) this.box.setAttribute("aria-activedescendant", `row-${place}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  row(row, place) {
    const common = { role: "option", id: `row-${place}`, style: `top: ${place * ROW}px`, "aria-posinset": place + 1, "aria-setsize": this.rows.length };
    if (typeof row === "string") return make("div", { ...common, className: "heading", "aria-disabled": "true", "aria-selected": "false" }, row);
    const verdict = value("verdict", row);
    return make("div", { ...common, className: "row", title: fullName(row), "data-place": place, "aria-selected": String(row === this.chosen) },
      make("i", { className: look(verdict) }),
      make("b", {}, calls.name[row]),
      make("small", {}, `${several ? `${value("version", row)}, ` : ""}${verdict}: ${value("reason", row)}`));
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
    if (!(event.key in steps) || this.rows.length === 0) return;
    event.preventDefault();
    const by = steps[event.key], from = this.rows.indexOf(this.chosen);
    let place = from < 0 && by > 0 ? Math.min(by, this.rows.length) - 1 : Math.min(this.rows.length - 1, Math.max(0, from + by));
    while (typeof this.rows[place] === "string") place += by > 0 || place === 0 ? 1 : -1;
    if (place < this.rows.length) this.go(place);
  }

  go(place) {
    this.select(this.rows[place]);
    this.choose(this.chosen);
  }

  // Mark a call and bring it into sight.
  select(number) {
    this.chosen = number;
    const place = this.rows.indexOf(number), top = place * ROW;
    if (place >= 0 && (top < this.box.scrollTop || top + ROW > this.box.scrollTop + this.box.clientHeight)) {
      this.box.scrollTop = top - Math.max(0, (this.box.clientHeight - ROW) / 2);
    }
    this.draw();
  }
}

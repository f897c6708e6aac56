// Puts a search field above each long table, such as that of the findings.
addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("article table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length >= 12) addFilter(table, rows);
  }
});

function addFilter(table, rows) {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = `Search ${rows.length} rows`;
  field.setAttribute("aria-label", "Search this table");
  const count = document.createElement("output");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
  const search = document.createElement("p");
  search.className = "table-filter";
  search.append(field, " ", count);
  (table.closest(".table-wrapper") ?? table).before(search);
}

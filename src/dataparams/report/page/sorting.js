/* Tables that are sorted by a press on a heading. */

import { element } from "../../web/page/elements.js";

export function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (!heading.dataset.sort) {
      return;
    }
    const button = element("button", "", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, headings, column));
  });
}

function sortBy(table, headings, column) {
  const heading = headings[column];
  const isText = heading.dataset.sort === "text";
  const first = isText ? "ascending" : "descending";
  const other = isText ? "descending" : "ascending";
  const order = heading.ariaSort === first ? other : first;
  headings.forEach((one) => one.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", order);
  const value = (row) => row.cells[column].dataset.value;
  const compare = isText
    ? (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true })
    : (a, b) => Number(value(a)) - Number(value(b));
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
}

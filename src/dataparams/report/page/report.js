/* Begins what the page at hand needs. */

import { content, folder, parseReference, shownCount } from "./chunks.js";
import { SampleMap } from "./map.js";
import { unfoldForPaper } from "./paper.js";
import { loadWhileScrolling, printAll } from "./piles.js";
import { makeSortable } from "./sorting.js";
import { Zoom } from "./zoom.js";

function openFromAddress(zoom) {
  const match = /^#(hard|review|easy|further)-(\d+)$/.exec(location.hash);
  if (match && Number(match[2]) < shownCount(match[1])) {
    zoom.open(match[1], Number(match[2]));
  }
}

function startClassPage() {
  const zoom = new Zoom(document.getElementById("zoom"));
  const drawing = document.getElementById("map-drawing");
  if (drawing) {
    new SampleMap(drawing, zoom);
  }
  content.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sample]");
    // With a modifier key the picture opens in a tab of its own, as with any link.
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      zoom.open(...parseReference(link.dataset.sample), link);
    }
  });
  const print = document.getElementById("print");
  print.hidden = false;
  print.addEventListener("click", () => printAll(print));
  loadWhileScrolling();
  openFromAddress(zoom);
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
unfoldForPaper();
if (folder) {
  startClassPage();
}

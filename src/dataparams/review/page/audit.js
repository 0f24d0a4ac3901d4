/* What an audit found, when its queue has come to its end. */

import { byId, count, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { get } from "/page/server.js";

export class Audit {
  constructor(page) {
    this.page = page;
    byId("audit-result").hidden = page.run.audit === null;
    byId("audit-result").addEventListener("click", () => this.show());
    for (const option of document.querySelectorAll("[data-audit]")) {
      option.hidden = page.run.audit === null;
      option.disabled = page.run.audit === null;
    }
  }

  async show() {
    let found;
    try {
      found = await get("/api/audit", { annotator: this.page.session.annotator });
    } catch (error) {
      this.page.explain(error);
      return;
    }
    byId("audit-words").replaceChildren(...(found === null ? [] : linesOf(found)));
    byId("people-dialog").close();
    byId("audit-dialog").showModal();
  }
}

function linesOf(found) {
  const { remaining, before } = found;
  const told = `${count(found.reviewed)} of ${counted(found.drawn, "sample")} drawn are decided, ${count(found.mine)} by you.`;
  if (remaining === null) {
    return [element("p", "", told), element("p", "muted", "The share of wrong labels is known when some of every pile are.")];
  }
  const figure = element("p", "audit-figure", percents(remaining));
  const lines = [
    figure,
    element("p", "", "of all labels are still wrong, once everything that was decided is applied."),
    element("p", "", `As they were given, ${percents(before)} were.`),
    element("p", "muted", told),
  ];
  if (found.skipped + found.disputed) {
    const words = `Left out: ${count(found.skipped)} unsure, ${count(found.disputed)} disputed. Were all of them wrong, ${percent(found.at_worst)} would be.`;
    lines.push(element("p", "muted", words));
  }
  return lines;
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

const percents = ({ rate, low, high }) => `${percent(rate)} (95% interval ${percent(low)} to ${percent(high)})`;

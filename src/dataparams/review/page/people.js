/* Who decides here, who else does, and how far they agree. */

import { byId, count, element } from "/page/elements.js";
import { keep, recall } from "/page/kept.js";
import { get } from "/page/server.js";

const NAME = "dataparams-review/annotator";

export class People {
  constructor(session) {
    this.session = session;
  }

  /** Begin as somebody whose name is known; ask where it is not. */
  async begin() {
    const name = this.session.run.annotator ?? recall(NAME);
    this.session.setAnnotator(name ?? (await this.askName()));
    this.drawAnnotator();
  }

  askName() {
    const dialog = byId("who");
    byId("who-name").value = this.session.annotator ?? recall(NAME) ?? "";
    dialog.showModal();
    return new Promise((resolve) => {
      const form = byId("who-form");
      const onCancel = (event) => {
        if (this.session.annotator === null) {
          event.preventDefault(); // a decision needs a name
        }
      };
      dialog.addEventListener("cancel", onCancel);
      form.onsubmit = (event) => {
        const name = byId("who-name").value.trim();
        if (!name) {
          event.preventDefault();
          byId("who-name").value = "";
          byId("who-name").reportValidity();
          return;
        }
        dialog.removeEventListener("cancel", onCancel);
        keep(NAME, name);
        resolve(name);
      };
    });
  }

  async changeName() {
    byId("people-dialog").close();
    this.session.setAnnotator(await this.askName());
    this.drawAnnotator();
  }

  drawAnnotator() {
    byId("annotator").textContent = this.session.annotator;
    byId("people-me").textContent = this.session.annotator;
  }

  async show() {
    const answer = await get("/api/people");
    const rows = answer.annotators.map((one) => {
      const row = element("tr");
      const name = element("th", "name", one.name);
      name.scope = "row";
      row.append(name, element("td", "number", count(one.decided)), element("td", "number", count(one.unsure)));
      return row;
    });
    byId("people-rows").replaceChildren(...rows);
    byId("show-disputed").disabled = !this.session.progress?.disputed;
    byId("agreements").replaceChildren(...agreementLines(answer.agreements));
    byId("people-dialog").showModal();
  }
}

function agreementLines(agreements) {
  if (!agreements.length) {
    return [element("p", "muted", "Where two decide about the same samples, how far they agree is told here.")];
  }
  const table = element("table", "people");
  const head = element("tr");
  for (const [text, kind] of [["Agreement", ""], ["In common", "number"], ["Agreed", "number"], ["Cohen’s κ", "number"]]) {
    const cell = element("th", kind, text);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  for (const pair of agreements) {
    const row = element("tr");
    const names = element("th");
    names.scope = "row";
    names.append(element("span", "name", pair.first), " and ", element("span", "name", pair.second));
    row.append(
      names,
      element("td", "number", count(pair.common)),
      element("td", "number", `${Math.round((100 * pair.agreed) / pair.common)}%`),
      element("td", "number", pair.kappa === null ? "–" : pair.kappa.toFixed(2)),
    );
    body.append(row);
  }
  table.append(thead, body);
  return [table, element("p", "muted", "κ: 1 is complete agreement, 0 is as much as by chance.")];
}

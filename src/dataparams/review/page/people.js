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
      const name = element("th");
      name.scope = "row";
      name.append(element("span", "name", one.name));
      if (this.session.samples.adjudicators.has(one.name)) {
        name.append(" ", element("span", "muted", "settles disputes"));
      }
      row.append(name, element("td", "number", count(one.decided)), element("td", "number", count(one.unsure)));
      return row;
    });
    byId("people-rows").replaceChildren(...rows);
    byId("show-disputed").disabled = !this.session.progress?.disputed;
    byId("agreements").replaceChildren(...agreementLines(answer.agreements));
    byId("activity").replaceChildren(...activityLines(answer.activity, answer.today));
    byId("assigned").replaceChildren(...assignmentLines(this.session));
    byId("people-dialog").showModal();
  }
}

function tableOf(columns) {
  const table = element("table", "people");
  const head = element("tr");
  for (const [text, kind] of columns) {
    const cell = element("th", kind, text);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  table.append(thead, body);
  return { table, body };
}

/** Who did what today, and on the days before. */
function activityLines(days, today) {
  if (!days.length) {
    return [];
  }
  const names = ["Decided", "Kept", "Relabeled", "Discarded", "Per hour"];
  const { table, body } = tableOf([["Who did what", ""], ...names.map((name) => [name, "number"])]);
  for (const one of days) {
    const row = element("tr");
    const who = element("th");
    who.scope = "row";
    who.append(element("span", "name", one.annotator), `, ${one.day === today ? "today" : one.day}`);
    const numbers = [one.decided, one.kept, one.relabeled, one.discarded];
    row.append(
      who,
      ...numbers.map((number) => element("td", "number", count(number))),
      element("td", "number", one.per_hour === null ? "–" : count(Math.round(one.per_hour))),
    );
    body.append(row);
  }
  return [table];
}

/** Who is to decide about what. */
function assignmentLines({ run, classNames }) {
  return run.assignments.map(({ annotator, classes, share }) => {
    const line = element("p", "muted");
    const what = [
      ...classes.map((label) => classNames[label] ?? "?"),
      ...(share ? [`${Math.round(1000 * share) / 10}% of ${classes.length ? "all others" : "the rest"}`] : []),
    ];
    line.append("Assigned to ", element("span", "name", annotator), ": ", element("span", "name", what.join(", ")));
    return line;
  });
}

function agreementLines(agreements) {
  if (!agreements.length) {
    return [element("p", "muted", "Where two decide about the same samples, how far they agree is told here.")];
  }
  const { table, body } = tableOf([
    ["Agreement", ""],
    ["In common", "number"],
    ["Agreed", "number"],
    ["Cohen’s κ", "number"],
  ]);
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
  const words =
    "κ: 1 is complete agreement, 0 is as much as by chance. Only what both decided without having seen any other decision on the sample counts.";
  return [table, element("p", "muted", words)];
}

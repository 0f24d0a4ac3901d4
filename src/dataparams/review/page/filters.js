/* Which samples are wanted: the form beside them, and what of it is in the address. */

import { byId, count } from "/page/elements.js";

const SEARCH_PAUSE = 250;
const LISTS = ["near", "finding", "found"];
const DECIDED = ["disputed", "others", "mine", "kept", "relabeled", "discarded", "skipped"];

export class Filters {
  constructor(run, { onChange, onSubmit }) {
    this.run = run;
    this.onChange = onChange;
    this.list = {}; // one that has no field here: what is near, or was found
    this.form = byId("filters");
    this.fill();
    this.form.addEventListener("change", ({ target }) => {
      if (target.name === "search" && this.parameters.toString() === this.told) {
        return; // the field was left for a click on what was found, which stays where it is
      }
      if (["decision", "subgroup", "outlier"].includes(target.name)) {
        this.showEasyOnes();
      }
      this.change();
    });
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault(); // Enter in the search field: on to what was found
      await this.change();
      this.open(false);
      onSubmit();
    });
    this.form.addEventListener("reset", () => {
      this.list = {};
      setTimeout(() => this.change());
    });
    this.form.elements.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.change(), SEARCH_PAUSE);
    });
    byId("filters-open").addEventListener("click", () => this.open(true));
    byId("filters-close").addEventListener("click", () => this.open(false));
  }

  fill() {
    byId("outliers-count").textContent = `(${count(this.run.outliers)})`;
    byId("only-outliers").hidden = !this.run.outliers;
    byId("split-field").hidden = !this.run.splits.length;
    for (const one of this.run.splits) {
      this.form.elements.split.append(new Option(`${one.name} (${count(one.count)})`, one.name));
    }
    this.fillClasses();
  }

  /** The classes by their names of now; what is chosen stays. */
  fillClasses() {
    const { label, suggested } = this.form.elements;
    const [of, to] = [label.value, suggested.value];
    [label, suggested].forEach((field) => field.replaceChildren(field.options[0]));
    const sorted = this.run.classes
      .map((one, number) => ({ ...one, number }))
      .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const one of sorted) {
      const suspicious = one.hard + one.review;
      const judged = one.unjudged ? `, ${one.unjudged}` : "";
      label.append(new Option(`${one.name} (${count(suspicious)}${judged})`, one.number));
      suggested.append(new Option(one.name, one.number));
    }
    [label.value, suggested.value] = [of, to];
  }

  /** Where no address tells what is wanted: the audit that goes on, or what is somebody's to do. */
  begin(annotator, hasAddress) {
    const isAssigned = this.run.assignments.some((one) => one.annotator === annotator);
    byId("only-assigned").hidden = !isAssigned;
    if (!isAssigned) {
      this.form.elements.assigned.checked = false;
    } else if (!hasAddress) {
      this.form.elements.assigned.checked = true;
    }
    if (this.run.audit !== null && !hasAddress) {
      this.form.elements.decision.value = "audit";
    }
  }

  get query() {
    const data = new FormData(this.form);
    const known = {
      decision: data.get("decision"),
      category: data.getAll("category"),
      label: data.get("label"),
      suggested: data.get("suggested"),
      split: data.get("split"),
      subgroup: data.get("subgroup"),
      outlier: data.get("outlier"),
      assigned: data.get("assigned"),
      search: data.get("search").trim(),
      ...this.list,
    };
    return Object.fromEntries(Object.entries(known).filter(([, value]) => value?.length));
  }

  /** The filter as parameters of an address. */
  get parameters() {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(this.query)) {
      [value].flat().forEach((one) => parameters.append(name, one));
    }
    return parameters;
  }

  /** Take over what an address has, and nothing of what was wanted before. */
  read(parameters) {
    for (const name of ["decision", "label", "suggested", "split", "search"]) {
      const field = this.form.elements[name];
      field.value = parameters.get(name) ?? (name === "decision" ? "todo" : "");
      if (field.selectedIndex === -1) {
        field.selectedIndex = 0;
      }
    }
    for (const box of this.form.querySelectorAll("[name=category]")) {
      box.checked = parameters.getAll("category").includes(box.value);
    }
    this.form.elements.outlier.checked = parameters.get("outlier") === "true";
    this.readList(Object.fromEntries(parameters));
    this.form.elements.assigned.checked = parameters.get("assigned") === "true";
    this.fillSubgroups(parameters.get("subgroup") ?? "");
  }

  set(query) {
    for (const field of ["decision", "label", "suggested", "split", "search"]) {
      this.form.elements[field].value = query[field] ?? (field === "decision" ? "todo" : "");
    }
    const categories = query.category ?? ["hard", "review"];
    for (const box of this.form.querySelectorAll("[name=category]")) {
      box.checked = categories.includes(box.value);
    }
    this.form.elements.outlier.checked = query.outlier === "true";
    this.readList(query);
    this.form.elements.assigned.checked = query.assigned === "true";
    this.fillSubgroups(query.subgroup ?? "");
    return this.change();
  }

  readList(query) {
    this.list = Object.fromEntries(LISTS.filter((name) => query[name]).map((name) => [name, query[name]]));
  }

  /** Ask for more: one part of the filter no longer counts. */
  leaveOut(part) {
    const every = { decision: "any", category: ["hard", "review", "easy"] };
    return this.set({ ...this.query, [part]: every[part] ?? "" });
  }

  fillSubgroups(chosen) {
    const { label, subgroup } = this.form.elements;
    const groups = this.run.subgroups.filter((one) => String(one.label) === label.value);
    subgroup.replaceChildren(new Option(label.value ? "All of the class" : "Choose a class first", ""));
    for (const group of groups) {
      subgroup.append(new Option(`${group.name} (${count(group.count)})`, group.name));
    }
    subgroup.disabled = !groups.length;
    subgroup.value = groups.some((group) => group.name === chosen) ? chosen : "";
  }

  /**
   * A rare kind is mostly easy; an outlier may be, and what was decided, such as a copy under another
   * label: what is asked for is not hidden.
   */
  showEasyOnes() {
    const { decision, label, outlier, subgroup } = this.form.elements;
    const chosen = this.run.subgroups.find(
      (one) => String(one.label) === label.value && one.name === subgroup.value,
    );
    if (chosen?.easy || outlier.checked || DECIDED.includes(decision.value)) {
      this.form.querySelector("[name=category][value=easy]").checked = true;
    }
  }

  /** The filter is another one: tell it, now that nothing more is typed. */
  change() {
    clearTimeout(this.typing);
    this.fillSubgroups(this.form.elements.subgroup.value);
    this.told = this.parameters.toString();
    return this.onChange();
  }

  /** The given class that is wanted; null for all. */
  get label() {
    const { value } = this.form.elements.label;
    return value === "" ? null : Number(value);
  }

  get isOpen() {
    return this.form.classList.contains("open");
  }

  open(isOpen) {
    this.form.classList.toggle("open", isOpen);
    byId("filters-open").setAttribute("aria-expanded", isOpen);
    (isOpen ? this.form.elements.decision : byId("filters-open")).focus();
  }

  goToSearch() {
    if (getComputedStyle(this.form).display === "none") {
      this.open(true);
    }
    this.form.elements.search.focus();
    this.form.elements.search.select();
  }
}

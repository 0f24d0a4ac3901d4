/* Where the list has no samples: what was done and what comes next, or why there are none. */

import { byId, count, element } from "/page/elements.js";
import { counted } from "/page/pieces.js";
import { get } from "/page/server.js";

const DONE = "Nothing is left to do here. Well done.";
const NONE = "No sample is like that.";
const WITHOUT = {
  decision: "whoever decided what",
  category: "of every category",
  label: "of every given class",
  suggested: "whatever is suggested",
  subgroup: "of every sub-group",
  outlier: "outliers or not",
  search: "without the words sought",
  split: "of every split",
  assigned: "not only those assigned to you",
  near: "not only what is like that sample",
  finding: "not only of this finding",
  found: "not only what was found so",
};

export class Ending {
  constructor(page) {
    this.page = page;
    page.session.addEventListener("queue", () => this.draw());
  }

  async draw() {
    const { queue } = this.page.session;
    byId("empty-more").replaceChildren();
    if (queue.total > 0) {
      return;
    }
    const { query } = queue;
    const isPlain = ["todo", "audit"].includes(query.decision) && !query.search;
    byId("empty-words").textContent = isPlain ? DONE : NONE;
    try {
      const parts = await get("/api/queue/without", query);
      if (this.page.session.queue !== queue) {
        return;
      }
      const isOfDecisions = ["todo", "open", "audit"].includes(query.decision);
      const others = parts.find((one) => one.part === "decision");
      if (isOfDecisions && others?.total) {
        await this.drawDone(parts);
      } else {
        this.drawWhy(parts);
      }
    } catch (error) {
      this.page.explain(error);
    }
  }

  /* All is decided ----------------------------------------------------------------------------- */

  async drawDone(parts) {
    const { session, run } = this.page;
    const done = await get("/api/done", { annotator: session.annotator });
    byId("empty-words").textContent = DONE;
    const more = [element("p", "", doneWords(done))];
    const left = parts.filter((one) => one.part !== "decision" && one.total);
    if (left.length) {
      more.push(this.choices("There is more to do elsewhere:", left));
    }
    more.push(element("h2", "", "What comes next"), commandList(run.commands, this.page));
    byId("empty-more").replaceChildren(...more);
  }

  /* Nothing is so ------------------------------------------------------------------------------ */

  drawWhy(parts) {
    byId("empty-words").textContent = NONE;
    const some = parts.filter((one) => one.total);
    const more = some.length
      ? [this.choices("There are some if you ask for less:", some)]
      : parts.length > 1
        ? [element("p", "", "Several parts of the filter leave none, each by itself.")]
        : [];
    const all = element("button", "", "Clear all filters");
    all.type = "button";
    all.addEventListener("click", () => this.clear());
    more.push(all);
    byId("empty-more").replaceChildren(...more);
  }

  clear() {
    return this.page.filters.set({ decision: "any", category: ["hard", "review", "easy"] });
  }

  /** A button for each part of the filter that can be left out. */
  choices(words, parts) {
    const group = element("div", "choices");
    group.append(element("p", "", words));
    for (const { part, total } of parts) {
      const button = element("button", "", `${counted(total, "sample")} ${WITHOUT[part] ?? part}`);
      button.type = "button";
      button.addEventListener("click", () => this.page.filters.leaveOut(part));
      group.append(button);
    }
    return group;
  }
}

function doneWords({ kept, relabeled, discarded, skipped }) {
  const total = kept + relabeled + discarded + skipped;
  const parts = [
    `${count(kept)} labels kept`,
    `${count(relabeled)} given another class`,
    `${count(discarded)} discarded`,
    `${count(skipped)} unsure`,
  ];
  return `You decided about ${counted(total, "sample")}: ${parts.join(", ")}.`;
}

/** Commands to copy, each with what it does. */
function commandList(commands, page) {
  const list = element("ul", "plain commands");
  for (const { words, command } of commands) {
    const item = element("li");
    const code = element("code", "", command);
    const copy = element("button", "", "Copy");
    copy.type = "button";
    copy.setAttribute("aria-label", `Copy ${command}`);
    copy.addEventListener("click", () => copyCommand(code, page));
    item.append(element("span", "", words), code, copy);
    list.append(item);
  }
  return list;
}

/** Pages that come from another machine may not write to the clipboard: then it is selected. */
async function copyCommand(code, page) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    page.say("Copied.");
  } catch {
    getSelection().selectAllChildren(code);
    page.say("Selected: copy it with Ctrl+C.");
  }
}

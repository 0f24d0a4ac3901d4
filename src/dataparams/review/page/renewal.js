/* Tells that the run was analyzed or looked through again, and goes on with what is newer. */

import { byId } from "/page/elements.js";
import { post } from "/page/server.js";

const PATIENCE = 900_000; // milliseconds: a large run is read anew
const NEWS = {
  analysis: {
    words: "This run was analyzed again meanwhile: order, suggestions and piles may be others. Your decisions stay.",
    button: "Load the new analysis",
  },
  findings: {
    words: "This run was looked through again for what is wrong beside the labels: duplicates and other findings may be others. Your decisions stay.",
    button: "Load the new findings",
  },
};

export class Renewal {
  constructor(page) {
    this.page = page;
    this.isNewer = false;
    this.told = null;
    byId("renew").addEventListener("click", () => this.renew());
  }

  /** What the server serves now, and whether there is something newer on its disk. */
  hear(changes) {
    if (byId("renew").disabled) {
      return; // it is being loaded
    }
    const { is_newer_there: isAnalysis, are_newer_findings_there: areFindings } = changes;
    const { run } = this.page;
    this.isNewer = isAnalysis || areFindings;
    const isOther = isAnalysis || changes.analysis !== run.analysis;
    this.tell(isOther ? "analysis" : areFindings || changes.findings !== run.findings ? "findings" : null);
  }

  tell(what) {
    if (what === this.told) {
      return;
    }
    this.told = what;
    byId("renewal").hidden = what === null;
    byId("renewal-words").textContent = NEWS[what]?.words ?? "";
    byId("renew").textContent = NEWS[what]?.button ?? "";
  }

  async renew() {
    byId("renew").disabled = true;
    try {
      await this.page.outbox.sending;
      if (this.isNewer) {
        byId("renewal-words").textContent = `Reading the new ${this.told} …`;
        await post("/api/renew", { run: this.page.run.run }, PATIENCE);
      }
      location.reload();
    } catch (error) {
      byId("renewal-words").textContent = `The new ${this.told} cannot be loaded: ${error.message}`;
      byId("renew").disabled = false;
    }
  }
}

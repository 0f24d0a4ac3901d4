/* The words of the scripts, which REPORT_WORDS holds in the language of the report. */

import { UNUSUAL } from "../../web/page/contents.js";
import { PHRASES, WORDS } from "../../web/page/elements.js";

for (const table of [WORDS, UNUSUAL, PHRASES]) {
  for (const name of Object.keys(table)) {
    table[name] = REPORT_WORDS[`shared.${name}`] ?? table[name];
  }
}

/** A message of the report, with values in place of their names. */
export function reportPhrase(name, values = {}) {
  return REPORT_WORDS[name].replace(/\{(\w+)\}/gu, (_, key) => values[key]);
}

/* Talking to the server. */

export class NotConnected extends Error {}

/** The server said no: `status` tells how, the message why. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const PATIENCE = 20_000; // milliseconds
let expectedRun = null;

/** From now on, answers about another run are refused: its samples have the same numbers. */
export function expectRun(key) {
  expectedRun = key;
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
      ...options,
    });
  } catch (error) {
    throw new NotConnected(error.message);
  }
  const run = response.headers.get("x-review-run");
  if (expectedRun !== null && run !== null && run !== expectedRun) {
    throw new Refused(409, "Another run is served at this address now. Load the page again.");
  }
  if (!response.ok) {
    throw new Refused(response.status, await reasonOf(response));
  }
  return response;
}

async function reasonOf(response) {
  try {
    const { detail } = await response.json();
    return typeof detail === "string" ? detail : detail.map((one) => one.msg).join("; ");
  } catch {
    return `The server answered ${response.status}.`;
  }
}

async function read(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new NotConnected(error.message); // cut off in the middle
  }
}

export async function get(path, parameters = {}) {
  return read(await ask(address(path, parameters)));
}

/** Whole numbers of 32 bits. */
export async function getNumbers(path, parameters) {
  return new Uint32Array(await getBytes(path, parameters));
}

export async function getBytes(path, parameters) {
  const response = await ask(address(path, parameters));
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw new NotConnected(error.message);
  }
}

export async function post(path, body, patience = PATIENCE) {
  const response = await ask(path, {
    method: "POST",
    signal: AbortSignal.timeout(patience),
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.status === 204 ? null : read(response);
}

function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined && one !== "") {
        query.append(name, one);
      }
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The token of the printed address becomes a cookie, and leaves the address. */
export async function beginSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) {
    history.replaceState(null, "", location.pathname);
    await post("/api/session", { token });
  }
}

/** A name for a request that no other has. (crypto.randomUUID exists on secure pages only.) */
export function newRequest() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

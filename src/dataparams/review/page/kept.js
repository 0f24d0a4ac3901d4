/* What this browser keeps for the next time, where it lets pages keep anything. */

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It is asked for again next time.
  }
}

// What this device remembers. A browser may refuse to store (all cookies blocked, no room): then nothing is remembered.

function attempt(action) {
  try {
    return action(localStorage);
  } catch {
    return null;
  }
}

export const stored = {
  get: (name) => attempt((place) => place.getItem(name)),
  set: (name, value) => attempt((place) => place.setItem(name, value)),
  remove: (name) => attempt((place) => place.removeItem(name)),
};

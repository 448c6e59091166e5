// Which theme is shown: the reader's choice when there is one, else the system's.

const KEY = "homeostat.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

export function toggleTheme() {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Not remembered, still applied.
  }
  announce();
}

export function onTheme(listener) {
  listeners.add(listener);
}

function announce() {
  for (const listener of listeners) listener(isDark());
}

system.addEventListener("change", announce);

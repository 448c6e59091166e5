// Runs before the first paint, so that a remembered theme never flashes the other one.
try {
  const remembered = localStorage.getItem("homeostat.theme");
  if (remembered === "light" || remembered === "dark") document.documentElement.dataset.theme = remembered;
} catch {
  // Storage may be closed to this page: the system's theme applies.
}

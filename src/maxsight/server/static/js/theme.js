// The chosen colours, set before the first paint. Not a module: modules run after it.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto"; // the browser stores nothing
}

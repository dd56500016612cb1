// The chosen colours, set before the first paint. Not a module: modules run after it.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";

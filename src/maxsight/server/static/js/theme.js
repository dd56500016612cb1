// The chosen colours, set before anything is painted. Not a module: those run after the first paint.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";

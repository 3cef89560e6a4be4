/* Before the first paint, so that nothing flashes: the theme that the person chose. app.js changes it. */
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage it is the system's.
}

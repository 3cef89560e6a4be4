/** Starts the page once it has been painted: no script keeps anybody from seeing it. */
const start = () => import("./app.js");

if (document.hidden) start(); // nothing is painted then
else requestAnimationFrame(() => setTimeout(start));

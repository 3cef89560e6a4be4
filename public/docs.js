/** The reference: this deployment's own address in it, and listings that can be copied. */
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const { currentNode } = walker;
  if (currentNode.data.includes("https://HOST")) {
    currentNode.data = currentNode.data.replaceAll("https://HOST", location.origin);
  }
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = button.parentNode.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(source);
    } catch {
      prompt("Copy", source); // no clipboard without https or permission: to be taken by hand
      return;
    }
    button.textContent = "Copied";
    document.getElementById("announcer").textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
      document.getElementById("announcer").textContent = "";
    }, 2000);
  });
}
// Before the scripts ran, the address of a section led to a page of another length.
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

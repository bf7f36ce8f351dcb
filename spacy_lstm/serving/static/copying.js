// To the clipboard.

/** Copy a text; the button says so for a moment. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages over plain HTTP from another machine have no clipboard but this one.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const said = button.textContent;
  if (said === "Copied") return;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = said; }, 1200);
}

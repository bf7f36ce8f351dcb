// Sets the chosen theme before the page is drawn.
(() => {
  try {
    const theme = localStorage.getItem("spacy-lstm-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage it follows the system.
  }
})();

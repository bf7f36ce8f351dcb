// Shows the errors that fit all that is chosen. Without it they are all there to read.
(() => {
  const root = document.currentScript && document.currentScript.closest(".spacy-lstm");
  if (!root) return;
  const form = root.querySelector(".filters");
  const articles = [...root.querySelectorAll("article")];
  const texts = articles.map((article) => article.textContent.toLowerCase());

  const fits = (article, select) =>
    !select.value || article.dataset[select.name] === select.value ||
    (select.name === "remarks" && article.dataset.remarks.split("|").includes(select.value));

  const update = () => {
    const selects = [...form.querySelectorAll("select")];
    const wanted = form.querySelector("input").value.trim().toLowerCase();
    let shown = 0;
    articles.forEach((article, i) => {
      article.hidden = !(texts[i].includes(wanted) && selects.every((select) => fits(article, select)));
      shown += !article.hidden;
    });
    form.querySelector("output").textContent = `${shown} of ${articles.length} shown`;
  };

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update();
})();

// Switches heads and follows the chosen token. Without it the page shows the mean of the heads at
// one token.
(() => {
  const root = document.currentScript && document.currentScript.closest(".spacy-lstm");
  if (!root) return;

  const unpack = (packed) => {
    const bytes = atob(packed), levels = new Uint16Array(bytes.length / 2);
    for (let i = 0; i < levels.length; i++) levels[i] = bytes.charCodeAt(2 * i) + 256 * bytes.charCodeAt(2 * i + 1);
    return levels;
  };
  const percent = (weight) => `${Math.round(100 * weight)}%`;

  const start = (section, number) => {
    const data = JSON.parse(section.querySelector("script.data").textContent);
    const words = [...section.querySelectorAll(".text .word")], text = words[0].parentElement;
    // Marks that turn the direction of what follows stay in the text.
    const names = words.map((word) => word.textContent.trim().replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd").slice(0, 40) || "␣");
    // Arcs and their words, where there are any.
    const drawn = [...section.querySelectorAll(".tree [data-token]")];
    const rows = [...section.querySelectorAll(".map tbody tr")], form = section.querySelector(".controls");
    const places = unpack(data.places), heads = data.weights.map(unpack), tokens = words.length;
    const cells = section.querySelector(".cells"), canvas = document.createElement("canvas"), cursor = document.createElement("div");
    const readout = section.querySelector(".readout");
    const here = { query: 0, key: 0 };
    let chosen = Math.max(0, words.findIndex((word) => word.classList.contains("chosen")));

    // The weights of one token over all tokens, of the head that is shown. Key 0 stands for none.
    const weigh = (query) => {
      const head = form ? Number(new FormData(form).get("head")) : -1;
      const shown = head < 0 ? heads : [heads[head]], weights = new Float64Array(tokens);
      for (let i = query * data.keys; i < (query + 1) * data.keys; i++) {
        if (places[i]) for (const levels of shown) weights[places[i] - 1] += levels[i] / 65535 / shown.length;
      }
      return weights;
    };

    const showRow = (row, weights) => {
      const best = [...weights.keys()].sort((a, b) => weights[b] - weights[a] || a - b).slice(0, 3).filter((key) => weights[key] >= 0.005);
      row.querySelector(".looks").replaceChildren(...best.map((key) => {
        const part = document.createElement("span"), name = document.createElement("bdi");
        name.textContent = names[key];
        part.append(name, ` ${percent(weights[key])}`);
        return part;
      }));
    };

    const showMatrix = () => {
      canvas.width = canvas.height = tokens;
      const context = canvas.getContext("2d"), image = context.createImageData(tokens, tokens);
      const colour = getComputedStyle(root).getPropertyValue("--positive").trim().split(" ").map(Number);
      const matrix = rows.map((_, query) => weigh(query));
      const largest = matrix.reduce((most, weights) => Math.max(most, ...weights), 0.005);
      matrix.forEach((weights, query) => {
        weights.forEach((weight, key) => image.data.set([...colour, 255 * weight / largest], 4 * (query * tokens + key)));
        showRow(rows[query], weights);
      });
      section.querySelector(".high").textContent = percent(largest);
      context.putImageData(image, 0, 0);
    };

    const choose = (token) => {
      chosen = Math.min(tokens - 1, Math.max(0, token));
      const weights = weigh(chosen), largest = Math.max(...weights) || 1;
      words.forEach((word, i) => {
        word.classList.toggle("chosen", i === chosen);
        word.setAttribute("aria-selected", i === chosen);
        word.style.setProperty("--a", weights[i] / largest);
        word.title = percent(weights[i]);
      });
      rows.forEach((row, i) => row.classList.toggle("chosen", i === chosen));
      drawn.forEach((part) => {
        part.classList.toggle("chosen", Number(part.dataset.token) === chosen);
        if (part.matches("text.chosen")) centre(part);
      });
      text.setAttribute("aria-activedescendant", words[chosen].id);
      const region = cells.closest(".scroll");
      show(words[chosen], text);
      show(rows[chosen], region);
      region.scrollLeft = cells.offsetLeft + chosen / tokens * cells.clientWidth - region.clientWidth / 2;
    };
    // Scrolls a region to a part of it, and nothing around it.
    const show = (part, region) => {
      const inside = part.getBoundingClientRect(), box = region.getBoundingClientRect();
      if (inside.top < box.top + 40 || inside.bottom > box.bottom - 10) region.scrollTop += inside.top - box.top - box.height / 2;
    };

    // Where a long sentence does not fit, its chosen word comes to the middle.
    const centre = (part) => {
      const region = part.closest(".scroll"), inside = part.getBoundingClientRect(), box = region.getBoundingClientRect();
      region.scrollLeft += (inside.left + inside.right - box.left - box.right) / 2;
      if (inside.top < box.top || inside.bottom > box.bottom) region.scrollTop += (inside.top + inside.bottom - box.top - box.bottom) / 2;
    };

    const point = (query, key) => {
      here.query = Math.min(tokens - 1, Math.max(0, query));
      here.key = Math.min(tokens - 1, Math.max(0, key));
      readout.textContent = `${names[here.query]} → ${names[here.key]}: ${(100 * weigh(here.query)[here.key]).toFixed(1)}%`;
      const width = cells.clientWidth / tokens, height = cells.clientHeight / tokens;
      cursor.hidden = false;
      Object.assign(cursor.style, {
        left: `${here.key * width - 1}px`, top: `${here.query * height - 1}px`, width: `${width + 2}px`, height: `${height + 2}px`,
      });
    };
    const over = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientY - box.top, event.clientX - box.left].map((at, i) => Math.floor(at / [box.height, box.width][i] * tokens));
    };
    const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

    cells.replaceChildren(canvas, cursor);
    cursor.className = "cursor";
    cursor.hidden = true;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "Matrix of weights: arrow keys move over it, Enter chooses the row's token");
    readout.setAttribute("aria-live", "polite");
    canvas.addEventListener("pointermove", (event) => point(...over(event)));
    canvas.addEventListener("pointerleave", () => { cursor.hidden = true; });
    canvas.addEventListener("click", (event) => choose(over(event)[0]));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose(here.query);
      else if (MOVES[event.key]) point(here.query + MOVES[event.key][0], here.key + MOVES[event.key][1]);
      else return;
      event.preventDefault();
      cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    drawn.forEach((part) => part.addEventListener("click", () => choose(Number(part.dataset.token))));
    rows.forEach((row, i) => row.cells[0].addEventListener("click", () => choose(i)));
    if (form) {
      form.addEventListener("change", () => { showMatrix(); choose(chosen); });
      form.addEventListener("submit", (event) => event.preventDefault());
      form.hidden = false;
    }
    text.classList.add("chooses");
    text.tabIndex = 0;
    text.setAttribute("role", "listbox");
    text.setAttribute("aria-label", "The token whose weights are shown");
    words.forEach((word, i) => {
      word.id = `${root.id}-${number}-w${i}`;
      word.setAttribute("role", "option");
      word.addEventListener("click", () => choose(i));
    });
    text.addEventListener("keydown", (event) => {
      const back = getComputedStyle(text).direction === "rtl" ? 1 : -1;
      const move = { ArrowLeft: back, ArrowRight: -back, ArrowUp: -1, ArrowDown: 1, Home: -tokens, End: tokens }[event.key];
      if (!move) return;
      event.preventDefault();
      choose(chosen + move);
    });
    section.querySelectorAll(".scripted").forEach((place) => { place.hidden = false; });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showMatrix);
    showMatrix();
    choose(chosen);
  };

  [...root.querySelectorAll(".one")].filter((section) => section.querySelector("script.data")).forEach(start);
})();

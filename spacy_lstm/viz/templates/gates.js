// Switches what the heat map shows and follows the memory to another token. Without it the page
// shows one gate, and the memory at one token.
(() => {
  const root = document.currentScript && document.currentScript.closest(".spacy-lstm");
  if (!root) return;
  const data = JSON.parse(root.querySelector("script.data").textContent);
  const words = [...root.querySelectorAll(".memory .text .word")];
  const rows = [...root.querySelectorAll(".map tbody tr")];
  const places = words.length ? words : rows.map((row) => row.querySelector("bdi"));
  // Marks that turn the direction of what follows stay in the text.
  const names = places.map((place) => place.textContent.trim().replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd").slice(0, 40) || "␣");
  const form = root.querySelector(".controls");
  const number = (value) => value.toFixed(2).replace("-", "−");
  const KEEPER = { lstm: "forget_gate", gru: "update_gate" };

  // 16-bit numbers, unpacked when they are first needed.
  const unpack = (channel) => {
    if (!channel.numbers) {
      const bytes = atob(channel.values), { low, high } = channel;
      channel.numbers = new Float32Array(bytes.length / 2);
      for (let i = 0; i < channel.numbers.length; i++) {
        const level = bytes.charCodeAt(2 * i) + 256 * bytes.charCodeAt(2 * i + 1);
        channel.numbers[i] = low + (high - low) * level / 65535;
      }
    }
    return channel.numbers;
  };

  // Windows follow one another in the numbers; each token's results are kept from one of them.
  const steps = [], windowOf = [];
  let first = 0;
  for (const [start, end, from, to] of data.windows) {
    for (let token = from; token < to; token++) {
      steps[token] = token - start + first;
      windowOf[token] = { start, end, first };
    }
    first += end - start;
  }
  const tokens = steps.length;
  const SIGNED = ["candidate", "cell_state", "hidden_state", "written"], UNBOUNDED = ["cell_state", "written"];
  const value = (gate, name, token, unit) => {
    if (gate.channels[name]) return unpack(gate.channels[name])[steps[token] * gate.units + unit];
    const part = followed(gate)[token];
    return part ? part[name][unit] : 0;
  };

  const lastLayer = Math.max(...data.gates.map((gate) => gate.layer));
  const chosenForm = () => form && new FormData(form);
  const find = (direction) => {
    const layer = form && form.layer ? Number(form.layer.value) : lastLayer;
    return data.gates.find((gate) => gate.layer === layer && gate.direction === direction);
  };

  let chosen = Math.max(0, words.findIndex((word) => word.classList.contains("chosen")));
  if (!words.length) chosen = Math.max(0, rows.findIndex((row) => row.classList.contains("chosen")));

  // What is left of every token's memory at one token, and what each wrote into it.
  const follow = (gate, token) => {
    const { start, end, first } = windowOf[token], units = gate.units;
    const keep = unpack(gate.channels[KEEPER[gate.cell]]);
    const candidate = unpack(gate.channels.candidate);
    const input = gate.cell === "lstm" ? unpack(gate.channels.input_gate) : null;
    const back = gate.direction === "forward";
    const order = [];
    for (let at = token; back ? at >= start : at < end; at += back ? -1 : 1) order.push(at);
    const left = new Float64Array(units).fill(1), found = [];
    for (const at of order) {
      const step = (at - start + first) * units, written = new Float64Array(units);
      for (let unit = 0; unit < units; unit++) {
        const comes = input ? input[step + unit] : 1 - keep[step + unit];
        written[unit] = left[unit] * comes * candidate[step + unit];
      }
      found.push({ at, left: left.slice(), written });
      for (let unit = 0; unit < units; unit++) left[unit] *= keep[step + unit];
    }
    return found.sort((a, b) => a.at - b.at);
  };
  // The same by token, worked out once for each token that is chosen.
  const followed = (gate) => {
    if (gate.chosen !== chosen) {
      gate.chosen = chosen;
      gate.followed = [];
      for (const part of follow(gate, chosen)) gate.followed[part.at] = part;
    }
    return gate.followed;
  };
  const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

  // Scrolls a region to a part of it, and nothing around it.
  const show = (part, region) => {
    const inside = part.getBoundingClientRect(), box = region.getBoundingClientRect();
    if (inside.top < box.top + 40 || inside.bottom > box.bottom - 10) region.scrollTop += inside.top - box.top - box.height / 2;
  };

  const showSide = (side) => {
    const gate = find(side.dataset.direction);
    const found = follow(gate, chosen).map((part) => ({ ...part, written: part.written.map(Math.abs) }));
    const total = sum(found.map((each) => sum(each.written))) || 1;
    const others = found.filter((each) => each.at !== chosen);
    const counts = new Map(), mostly = [];
    for (let unit = 0; unit < gate.units; unit++) {
      const best = others.reduce((a, b) => (a && a.written[unit] >= b.written[unit] ? a : b), null);
      mostly[unit] = best;
      if (best && best.written[unit] > 0) counts.set(best.at, (counts.get(best.at) || 0) + 1);
    }
    const body = side.querySelector("tbody"), pattern = body.rows[0];
    body.replaceChildren(...found.map(({ at, left, written }) => {
      const row = pattern.cloneNode(true), [survives, share] = [sum(left) / gate.units, sum(written) / total];
      const [survivesBar, shareBar] = row.querySelectorAll("i"), figures = row.querySelectorAll(".figure");
      row.className = at === chosen ? "chosen" : "";
      row.querySelector("bdi").textContent = names[at];
      survivesBar.style.width = `${100 * survives}%`;
      shareBar.style.width = `${100 * share}%`;
      figures[0].textContent = `${Math.round(100 * survives)}%`;
      figures[1].textContent = `${Math.round(100 * share)}%`;
      figures[2].textContent = counts.get(at) || "";
      return row;
    }));
    show(body.querySelector(".chosen"), side.querySelector(".scroll"));
    showLongest(side, gate, others, mostly);
    for (const { at, left } of others) {
      words[at].classList.add(gate.direction);
      words[at].style.setProperty("--a", sum(left) / gate.units);
    }
  };

  const showLongest = (side, gate, others, mostly) => {
    const reach = [];
    for (let unit = 0; unit < gate.units; unit++) reach.push({ unit, far: sum(others.map((each) => each.left[unit])) });
    reach.sort((a, b) => b.far - a.far || a.unit - b.unit);
    const items = reach.filter(({ far }) => far > 0).slice(0, 5).map(({ unit, far }) => {
      const item = document.createElement("li"), name = document.createElement("b"), word = document.createElement("bdi");
      const all = sum(others.map((each) => each.written[unit])) || 1e-12;
      name.textContent = `unit ${unit}`;
      word.textContent = names[mostly[unit].at];
      item.append(name, ` reaches ${far.toFixed(1)} tokens far; ${Math.round(100 * mostly[unit].written[unit] / all)}% of what it holds of them is “`, word, "”");
      return item;
    });
    side.querySelector(".longest").replaceChildren(...items);
  };

  const showMemory = () => {
    if (!words.length) return;
    root.querySelector(".chosen-name").textContent = names[chosen];
    words.forEach((word, i) => {
      word.className = i === chosen ? "word chosen" : "word";
      word.style.setProperty("--a", 0);
      word.setAttribute("aria-selected", i === chosen);
    });
    root.querySelectorAll(".side").forEach(showSide);
    words[0].parentElement.setAttribute("aria-activedescendant", words[chosen].id);
  };

  // Units in the order in which they are shown.
  let columns = [];
  const sortUnits = (gate, name) => {
    const order = form.order.value, weight = new Float64Array(gate.units);
    for (let unit = 0; unit < gate.units; unit++) {
      if (order === "variance") {
        let mean = 0, square = 0;
        for (let token = 0; token < tokens; token++) {
          const x = value(gate, name, token, unit);
          mean += x / tokens;
          square += x * x / tokens;
        }
        weight[unit] = square - mean * mean;
      } else if (order === "held") {
        weight[unit] = Math.abs(value(gate, gate.cell === "lstm" ? "cell_state" : "hidden_state", chosen, unit));
      } else if (order === "reach") {
        let length = 0;
        for (let i = 0; i < tokens; i++) {
          const token = gate.direction === "forward" ? i : tokens - 1 - i;
          length = 1 + value(gate, KEEPER[gate.cell], token, unit) * length;
          weight[unit] += length;
        }
      }
    }
    columns = [...weight.keys()].sort((a, b) => weight[b] - weight[a] || a - b);
  };

  const cells = root.querySelector(".cells"), canvas = document.createElement("canvas"), cursor = document.createElement("div");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim().split(" ").map(Number);
  const showMap = () => {
    const wanted = chosenForm(), gate = find(wanted.get("direction")), name = wanted.get("channel");
    const signed = SIGNED.includes(name);
    sortUnits(gate, name);
    canvas.width = gate.units;
    canvas.height = tokens;
    const context = canvas.getContext("2d"), image = context.createImageData(gate.units, tokens);
    const [positive, negative] = [colour("--positive"), colour("--negative")];
    rows.forEach((row, token) => {
      let total = 0;
      columns.forEach((unit, column) => {
        const x = value(gate, name, token, unit), shown = UNBOUNDED.includes(name) ? Math.tanh(x) : x;
        total += Math.abs(x);
        image.data.set([...(shown < 0 ? negative : positive), Math.abs(shown) * 255], 4 * (token * gate.units + column));
      });
      row.querySelector(".figure").textContent = number(total / gate.units);
      row.classList.toggle("chosen", token === chosen);
    });
    context.putImageData(image, 0, 0);
    const label = form.querySelector(`[value="${name}"] + span`).textContent;
    root.querySelector(".what").textContent = `${gate.units} units: ${label}`;
    root.querySelector(".ramp").classList.toggle("signed", signed);
    root.querySelector(".low").textContent = signed ? "−1" : "0";
    canvas.setAttribute("aria-label", `Heat map of ${label} by token and unit: arrow keys move over it, Enter chooses the token`);
  };

  // The cell under the pointer, or the one that the arrow keys have come to.
  const here = { token: chosen, column: 0 };
  const point = (token, column) => {
    here.token = Math.min(tokens - 1, Math.max(0, token));
    here.column = Math.min(columns.length - 1, Math.max(0, column));
    const gate = find(chosenForm().get("direction")), unit = columns[here.column];
    const values = [...form.querySelectorAll("[name=channel]")].map(
      (input) => `${input.nextElementSibling.textContent} ${number(value(gate, input.value, here.token, unit))}`);
    root.querySelector(".readout").textContent = `${names[here.token]}, unit ${unit}: ${values.join(" · ")}`;
    const width = cells.clientWidth / columns.length, height = cells.clientHeight / tokens;
    cursor.hidden = false;
    Object.assign(cursor.style, {
      left: `${here.column * width - 2}px`, top: `${here.token * height - 1}px`, width: `${width + 4}px`, height: `${height + 2}px`,
    });
  };
  const choose = (token) => {
    chosen = Math.min(tokens - 1, Math.max(0, token));
    showMemory();
    if (form) {
      showMap();
      show(rows[chosen], cells.closest(".scroll"));
    }
    if (words.length) show(words[chosen], words[0].parentElement);
  };
  const over = (event) => {
    const box = canvas.getBoundingClientRect();
    return [Math.floor((event.clientY - box.top) / box.height * tokens), Math.floor((event.clientX - box.left) / box.width * columns.length)];
  };
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e6], End: [0, 1e6] };

  if (form) {
    cells.replaceChildren(canvas, cursor);
    cursor.className = "cursor";
    cursor.hidden = true;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    root.querySelector(".readout").setAttribute("aria-live", "polite");
    canvas.addEventListener("pointermove", (event) => point(...over(event)));
    canvas.addEventListener("pointerleave", () => { cursor.hidden = true; });
    canvas.addEventListener("click", (event) => choose(over(event)[0]));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") choose(here.token);
      else if (MOVES[event.key]) point(here.token + MOVES[event.key][0], here.column + MOVES[event.key][1]);
      else return;
      event.preventDefault();
      cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    form.addEventListener("change", () => choose(chosen));
    form.addEventListener("submit", (event) => event.preventDefault());
    rows.forEach((row, token) => row.cells[0].addEventListener("click", () => choose(token)));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showMap);
    // An address may say what to show: page.html#channel=left&order=reach&token=3
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const name of ["channel", "direction", "layer", "order"]) {
      const fits = [...form.querySelectorAll(`[name=${name}], [name=${name}] option`)].some((each) => each.value === wanted.get(name));
      if (fits) form[name].value = wanted.get(name);
    }
    if (steps[wanted.get("token")] !== undefined) chosen = Number(wanted.get("token"));
    form.hidden = false;
    showMap();
  }

  if (words.length) {
    const text = words[0].parentElement;
    root.classList.add("chooses");
    root.querySelectorAll(".scripted").forEach((place) => { place.hidden = false; });
    text.tabIndex = 0;
    text.setAttribute("role", "listbox");
    text.setAttribute("aria-label", "The token whose memory is shown");
    words.forEach((word, i) => {
      word.id = `${root.id}-w${i}`;
      word.setAttribute("role", "option");
      word.addEventListener("click", () => choose(i));
    });
    text.addEventListener("keydown", (event) => {
      const rightToLeft = getComputedStyle(text).direction === "rtl";
      const move = { ArrowLeft: rightToLeft ? 1 : -1, ArrowRight: rightToLeft ? -1 : 1, ArrowUp: -1, ArrowDown: 1, Home: -tokens, End: tokens }[event.key];
      if (!move) return;
      event.preventDefault();
      choose(chosen + move);
    });
    showMemory();
  }
})();

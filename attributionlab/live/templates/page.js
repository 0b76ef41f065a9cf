// The page: painting, views of the network, maps, and the quiz. All numbers come from engine.js.
"use strict";

const spec = JSON.parse(document.getElementById("spec").textContent);
const byId = id => document.getElementById(id);
const SIZE = spec.size, N = SIZE * SIZE;
const COLORS = [
  {name: "background", color: spec.background},
  ...spec.classes,
  {name: "black (unknown)", color: [0, 0, 0]},
];
const BASELINES = {background: spec.background, black: [0, 0, 0], white: [255, 255, 255]};
const IDLE = 140;  // milliseconds without a stroke before the slower maps are computed

const state = {pixels: Uint8Array.from(spec.scenes[0]), scene: 0, color: 1, cursor: [16, 16], counted: 0, isPainting: false, timer: 0};
const networks = new Map();

function network() {
  const key = `${byId("seed").value} ${byId("redundant").checked}`;
  if (!networks.has(key)) networks.set(key, new Network(spec, Number(byId("seed").value), byId("redundant").checked));
  return networks.get(key);
}

function imageOf(pixels) {
  const image = new Float64Array(3 * N);
  for (let pixel = 0; pixel < N; pixel++) for (let part = 0; part < 3; part++) image[part * N + pixel] = COLORS[pixels[pixel]].color[part];
  return image;
}

// ---------------------------------------------------------------- drawing

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function figureIn(row, id, title, label) {
  let figure = byId(id);
  if (!figure) {
    figure = element("figure", {id}, element("canvas", {width: SIZE, height: SIZE}), element("figcaption"));
    figure.firstChild.setAttribute("role", "img");
    byId(row).append(figure);
  }
  figure.firstChild.setAttribute("aria-label", label);
  figure.lastChild.replaceChildren(element("b", {textContent: title}));
  return figure;
}

function drawPixels(canvas, side, colorAt) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), picture = context.createImageData(side, side);
  for (let place = 0; place < side * side; place++) picture.data.set([...colorAt(place), 255], 4 * place);
  context.putImageData(picture, 0, 0);
}

const mix = (from, to, share) => from.map((value, part) => Math.round(value + (to[part] - value) * share));
const WHITE = [250, 250, 250], RED = [178, 24, 43], BLUE = [33, 102, 172];

function drawMap(canvas, map) {
  const largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  drawPixels(canvas, SIZE, place => mix(WHITE, map[place] >= 0 ? RED : BLUE, Math.sqrt(Math.abs(map[place]) / largest)));
}

function drawCells(canvas, side, values, color) {
  const largest = Math.max(1e-9, ...values);
  drawPixels(canvas, side, place => mix([24, 28, 34], color, Math.min(1, Math.max(0, values[place] / largest))));
}

const number = value => Math.abs(value) >= 1e-3 || value === 0 ? String(+value.toPrecision(4)) : value.toExponential(1);
const FAINT = 1e-9;  // a map whose largest value is below this share of the output is practically zero
const percent = share => share > 0.999999 ? "more than 99.9999 %" : share < 1e-6 ? "less than 0.0001 %" : `${+(100 * share).toFixed(share > 0.99 ? 4 : share < 0.01 ? 6 : 2)} %`;

// ---------------------------------------------------------------- what is shown

function showImage() {
  drawPixels(byId("image"), SIZE, place => COLORS[state.pixels[place]].color);
  if (document.activeElement === byId("image")) {
    const context = byId("image").getContext("2d");
    context.fillStyle = "rgba(255, 255, 255, .75)";
    context.fillRect(state.cursor[1], state.cursor[0], 1, 1);
  }
}

function current() {
  const image = imageOf(state.pixels), net = network(), run = net.forward(image);
  const winner = run.counts.indexOf(Math.max(...run.counts));
  const chosen = byId("target").value, target = chosen === "winner" ? winner : Number(chosen);
  const output = byId("output").value, hasUnknown = state.pixels.includes(COLORS.length - 1);
  const truth = Array.from(state.pixels, pixel => pixel === target + 1 ? 1 : pixel === 0 || pixel > spec.classes.length || output === "logit" ? 0 : -1);
  return {image, net, run, winner, target, output, hasUnknown, truth, isExact: !hasUnknown || !byId("redundant").checked};
}

function showFast() {
  showImage();
  const now = current(), {run, net} = now;
  const ties = run.counts.filter(count => count === run.counts[now.winner]).length > 1;
  byId("answer").replaceChildren(
    ties ? "The network cannot decide: two colors have the same count." : element("span", {}, "The network says ", element("b", {textContent: spec.classes[now.winner].name}),
      `: ${number(run.counts[now.winner])} pixels, probability ${percent(run.probabilities[now.winner])}.`));
  byId("unknown").textContent = now.hasUnknown && byId("redundant").checked ? "Black is a color that this network has never seen. It adds a little to all counts, in a way that nobody designed." : "";
  for (const span of document.querySelectorAll(".explained")) span.textContent = `${now.output === "logit" ? "the count" : "the probability"} of ${spec.classes[now.target].name}`;
  for (let channel = 0; channel <= spec.classes.length; channel++) {
    const known = channel < spec.classes.length, name = known ? spec.classes[channel].name : "unknown";
    const figure = figureIn("channels", `channel-${channel}`, name, `Pixels that are ${name}`);
    drawCells(figure.firstChild, SIZE, run.channels.slice(channel * N, (channel + 1) * N), known ? spec.classes[channel].color : [255, 255, 255]);
  }
  showLevels(run, net);
  showBars(run);
  const mask = figureIn("truths", "truth", "Effect of each pixel", "The sign of each pixel's effect");
  drawMap(mask.firstChild, now.truth);
  mask.lastChild.append(now.output === "logit" ? "+1: its color is counted. 0: it is not." : "+1: raises it. -1: lowers it. 0: does nothing.");
  showMethod(now, "gradient", "Gradient", net.gradientMap(now.image, now.target, now.output), "What changes if a pixel changes a little?");
  showPath(now);
}

function showLevels(run, net) {
  const color = spec.classes[state.counted].color;
  run.levels.forEach((level, index) => {
    const all = level.side * level.side, values = run.levels[index].cells.slice(state.counted * all, (state.counted + 1) * all);
    if (level.side > 1) {
      const figure = figureIn("levels", `level-${index}`, `${level.side} x ${level.side} cells`, `Level ${index + 1} of the accumulator`);
      drawCells(figure.firstChild, level.side, values, color);
      figure.lastChild.append(`largest: ${number(Math.max(...values))}`);
      return;
    }
    let last = byId("level-last");
    if (!last) byId("levels").append(last = element("figure", {id: "level-last"}, element("div", {className: "number"}), element("figcaption", {}, element("b", {textContent: "the count"}))));
    last.firstChild.textContent = number(values[0]);
  });
}

function showBars(run) {
  byId("bars").replaceChildren(...spec.classes.flatMap((entry, index) => {
    const fill = element("div");
    fill.style.width = `${100 * run.probabilities[index]}%`;
    fill.style.background = `rgb(${entry.color})`;
    const bar = element("div", {className: "bar"}, fill);
    bar.setAttribute("aria-hidden", "true");
    return [element("span", {textContent: entry.name}), element("span", {textContent: `${number(run.counts[index])} pixels`}), element("div", {}, bar, element("span", {className: "hint", textContent: percent(run.probabilities[index])}))];
  }));
}

function showMethod(now, id, title, map, question) {
  const figure = figureIn("maps", `map-${id}`, title, `Map of ${title}`);
  figure.classList.remove("stale");
  drawMap(figure.firstChild, map);
  const caption = figure.lastChild, largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  caption.append(question, element("br"), `largest value ${number(largest)}`);
  if (largest < FAINT) caption.append(": practically zero. The colors show noise.");
  if (!now.isExact) return;
  const score = f1(map, now.truth, true);
  caption.append(element("br"), element("span", {className: `score ${score >= 0.5 ? "good" : "bad"}`, textContent: `F1 ${score.toFixed(2)} with signs`}));
}

function showSlow() {
  const now = current(), baseline = BASELINES[byId("baseline").value], steps = Number(byId("steps").value);
  const name = byId("baseline").selectedOptions[0].textContent;
  showMethod(now, "ig", "Integrated gradients", now.net.integratedGradients(now.image, baseline, steps, now.target, now.output), `The sum of the gradients on the way from ${name}.`);
  showMethod(now, "occlusion", "Occlusion", now.net.occlusion(now.image, baseline, now.target, now.output), `What is lost if a pixel becomes ${name}?`);
  const exact = figureIn("truths", "shapley", "Exact Shapley values", "Exact Shapley value of each pixel");
  exact.classList.remove("stale");
  if (!now.isExact) {
    drawMap(exact.firstChild, new Float64Array(N));
    exact.lastChild.append("Not known in closed form while there are unknown colors.");
    return;
  }
  const counts = spec.classes.map((_, index) => state.pixels.reduce((sum, pixel) => sum + (pixel === index + 1), 0));
  const values = now.output === "logit" ? counts.map((_, index) => index === now.target ? spec.scale : 0) : softmaxShapley(counts, now.target, spec.scale);
  drawMap(exact.firstChild, Array.from(state.pixels, pixel => pixel === 0 || pixel > counts.length ? 0 : values[pixel - 1]));
  const parts = spec.classes.map((entry, index) => counts[index] ? `${entry.name} ${values[index] > 0 ? "+" : ""}${number(values[index])}` : "").filter(Boolean);
  exact.lastChild.append(`A pixel's mean effect over all orders in which pixels can appear: ${parts.join(", ") || "no colored pixel"}.`);
}

function showPath(now = current()) {
  const share = Number(byId("share").value) / 1000, baseline = BASELINES[byId("baseline").value];
  const point = onPath(now.image, baseline, share, N), run = now.net.forward(point);
  const picture = figureIn("path", "path-image", "Image on the path", "The image at this place on the path");
  drawPixels(picture.firstChild, SIZE, place => [0, 1, 2].map(part => Math.round(point[part * N + place])));
  const awake = figureIn("path", "path-awake", "What the detector sees", "Where the detector is awake at this place on the path");
  const seen = Float64Array.from({length: N}, (_, place) => spec.classes.reduce((most, _, channel) => Math.max(most, run.channels[channel * N + place]), 0));
  drawCells(awake.firstChild, SIZE, seen, [255, 255, 255]);
  byId("share-value").textContent = `${(100 * share).toFixed(1)} %`;
  const value = now.output === "logit" ? number(run.logits[now.target]) : percent(run.probabilities[now.target]);
  const some = seen.some(height => height > 0);
  byId("awake").textContent = `${some ? "The detector sees colors here." : "The detector sees no color here."} Output: ${value}.`;
}

// ---------------------------------------------------------------- what the user does

function changed() {
  showFast();
  for (const id of ["map-ig", "map-occlusion", "shapley"]) byId(id)?.classList.add("stale");
  clearTimeout(state.timer);
  state.timer = setTimeout(showSlow, IDLE);
}

function paintAt(row, column) {
  const brush = Number(document.querySelector("input[name=brush]:checked").value);
  for (let y = row - (brush >> 1); y < row - (brush >> 1) + brush; y++)
    for (let x = column - (brush >> 1); x < column - (brush >> 1) + brush; x++)
      if (y >= 0 && y < SIZE && x >= 0 && x < SIZE) state.pixels[y * SIZE + x] = state.color;
}

function pointed(event) {
  const box = byId("image").getBoundingClientRect();
  return [Math.floor((event.clientY - box.top) / box.height * SIZE), Math.floor((event.clientX - box.left) / box.width * SIZE)];
}

function connectPainting() {
  const canvas = byId("image");
  let last = null, isQueued = false;
  const stroke = event => {
    const [row, column] = pointed(event), from = last || [row, column];
    const far = Math.max(Math.abs(row - from[0]), Math.abs(column - from[1]), 1);
    for (let part = 0; part <= far; part++) paintAt(Math.round(from[0] + (row - from[0]) * part / far), Math.round(from[1] + (column - from[1]) * part / far));
    last = [row, column];
    if (!isQueued) { isQueued = true; requestAnimationFrame(() => { isQueued = false; changed(); }); }
  };
  canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); state.isPainting = true; last = null; stroke(event); });
  canvas.addEventListener("pointermove", event => { if (state.isPainting) stroke(event); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { state.isPainting = false; last = null; });
  const moves = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  canvas.addEventListener("keydown", event => {
    if (moves[event.key]) {
      state.cursor = state.cursor.map((place, axis) => Math.min(SIZE - 1, Math.max(0, place + moves[event.key][axis])));
      event.preventDefault();
      showImage();
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      paintAt(...state.cursor);
      changed();
    } else if (event.key >= "1" && event.key <= String(COLORS.length)) byId(`color-${event.key - 1}`).click();
  });
  for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, showImage);
}

function connectControls() {
  COLORS.forEach((entry, index) => {
    const radio = element("input", {type: "radio", name: "color", id: `color-${index}`, checked: index === state.color});
    radio.addEventListener("change", () => { state.color = index; });
    const swatch = element("span", {className: "swatch"});
    swatch.style.background = `rgb(${entry.color})`;
    byId("palette").append(element("label", {}, radio, swatch, entry.name));
  });
  spec.classes.forEach((entry, index) => byId("counted").append(element("option", {value: index, textContent: entry.name})));
  byId("target").append(element("option", {value: "winner", textContent: "the winner"}), ...spec.classes.map((entry, index) => element("option", {value: index, textContent: entry.name})));
  spec.accumulators.forEach((_, seed) => byId("seed").append(element("option", {value: seed, textContent: `number ${seed + 1}`})));
  byId("counted").addEventListener("change", event => { state.counted = Number(event.target.value); showFast(); });
  for (const id of ["output", "target", "baseline", "seed", "redundant"]) byId(id).addEventListener("change", changed);
  byId("steps").addEventListener("input", event => { byId("steps-value").textContent = event.target.value; changed(); });
  byId("share").addEventListener("input", () => showPath());
  byId("next").addEventListener("click", () => { state.scene = (state.scene + 1) % spec.scenes.length; state.pixels = Uint8Array.from(spec.scenes[state.scene]); changed(); });
  byId("clear").addEventListener("click", () => { state.pixels.fill(0); changed(); });
}

// ---------------------------------------------------------------- the quiz

const KINDS = {
  gradient: {name: "Gradient", why: "It asks the network itself, and gives the winner's pixels and those of its nearest rival their signs."},
  edge: {name: "Edges of the image", why: "It has never seen the network: it is the same for every network. It only looks plausible."},
  occlusion: {name: "Occlusion with black", why: "It answers another question: what happens if a pixel becomes black? Black is unknown to this network, so even the background seems to matter."},
  coarse: {name: "Integrated gradients with 4 steps", why: "Its four steps walk past the place where the detector wakes up, so it adds up next to nothing. What you see is noise, made visible."},
};

function edgeMap(pixels) {
  return Float64Array.from({length: N}, (_, place) => {
    const row = Math.floor(place / SIZE), column = place % SIZE;
    let edges = 0;
    for (const [y, x] of [[row - 1, column], [row + 1, column], [row, column - 1], [row, column + 1]])
      if (y >= 0 && y < SIZE && x >= 0 && x < SIZE && pixels[y * SIZE + x] !== pixels[place]) edges++;
    return edges;
  });
}

function startQuiz(round = 0, points = 0) {
  const rounds = [["edge", "gradient", "occlusion"], ["coarse", "edge", "gradient"], ["gradient", "occlusion", "coarse"]];
  if (round === rounds.length) {
    byId("quiz").replaceChildren(element("p", {className: "verdict", textContent: `${points} of ${rounds.length} right. Without the truth, would you have known?`}), button("Again", () => startQuiz()));
    return;
  }
  const pixels = Uint8Array.from(spec.scenes[(round + 3) % spec.scenes.length]), net = new Network(spec, round % spec.accumulators.length, true), image = imageOf(pixels);
  const run = net.forward(image), target = run.counts.indexOf(Math.max(...run.counts));
  const truth = Array.from(pixels, pixel => pixel === 0 ? 0 : pixel === target + 1 ? 1 : -1);
  const make = {
    gradient: () => net.gradientMap(image, target, "probability"), edge: () => edgeMap(pixels),
    occlusion: () => net.occlusion(image, [0, 0, 0], target, "probability"), coarse: () => net.integratedGradients(image, [0, 0, 0], 4, target, "probability"),
  };
  const picture = element("figure", {}, element("canvas"), element("figcaption", {}, element("b", {textContent: "The image"}), `The network says ${spec.classes[target].name}.`));
  drawPixels(picture.firstChild, SIZE, place => COLORS[pixels[place]].color);
  const choices = element("div", {className: "choices"}, picture);
  const answer = element("div");
  answer.setAttribute("role", "status");
  rounds[round].forEach((kind, index) => {
    const map = make[kind](), letter = "ABC"[index];
    const pick = button(`Map ${letter}`, () => reveal(kind, index));
    const figure = element("figure", {}, element("canvas"), element("figcaption", {}, pick));
    drawMap(figure.firstChild, map);
    choices.append(figure);
  });
  const reveal = (kind, index) => {
    const isRight = kind === "gradient";
    const lines = rounds[round].map((each, place) => element("li", {}, element("b", {textContent: `${"ABC"[place]}: ${KINDS[each].name}, F1 ${f1(make[each](), truth, true).toFixed(2)}. `}), KINDS[each].why));
    for (const choice of choices.querySelectorAll("button")) choice.disabled = true;
    const ship = element("p", {textContent: "This network is right about every image. Would you have shipped it, judging by the map that you chose?"});
    answer.replaceChildren(element("div", {className: "verdict"}, element("p", {}, element("b", {textContent: isRight ? "Right." : `Not ${"ABC"[index]}.`})), element("ul", {}, ...lines), ship), button("Next", () => startQuiz(round + 1, points + isRight)));
    answer.querySelector("button").focus();
  };
  byId("quiz").replaceChildren(element("p", {textContent: `Round ${round + 1} of ${rounds.length}. Which map shows what the network uses? Red raises the winner's probability, blue lowers it.`}), choices, answer);
}

function button(text, act) {
  const made = element("button", {type: "button", textContent: text, className: "primary"});
  made.addEventListener("click", act);
  return made;
}

connectControls();
connectPainting();
changed();
startQuiz();

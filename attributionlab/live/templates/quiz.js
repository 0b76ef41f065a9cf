// The quiz: a seeded order for each participant, answers in this browser's storage, and their export as CSV.
"use strict";

const spec = JSON.parse(document.getElementById("spec").textContent);
const byId = id => document.getElementById(id);
const KEY = `attributionlab-quiz-${spec.id}`;
let state = load();

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---------------------------------------------------------------- storage

function empty() { return {participant: "", experience: "", answers: []}; }
function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return stored && Array.isArray(stored.answers) ? stored : empty();
  } catch { return empty(); }
}
function store() {
  try { localStorage.setItem(KEY, JSON.stringify(state)); } catch { /* without storage the answers live as long as the page */ }
}

// ---------------------------------------------------------------- the order

function hash(text) {  // FNV-1a, 32 bits
  let value = 0x811c9dc5;
  for (const unit of text) value = Math.imul(value ^ unit.codePointAt(0), 0x01000193);
  return value >>> 0;
}
function randomNumbers(seed) {  // mulberry32
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}
// All models with all methods, shuffled for this participant; at the end the first question again, as a check of attention.
function questionsOf(participant) {
  const random = randomNumbers(hash(`${spec.seed} ${participant}`));
  const questions = spec.models.flatMap((_, model) => spec.methods.map(method => ({model, method, repeat: 0})));
  for (let last = questions.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [questions[last], questions[other]] = [questions[other], questions[last]];
  }
  return [...questions, {...questions[0], repeat: 1}];
}

// ---------------------------------------------------------------- pages

function show(heading, ...content) {
  byId("heading").textContent = heading;
  byId("content").replaceChildren(...content);
  byId("lead").hidden = state.participant !== "";
  if (show.isLater) { byId("heading").focus({preventScroll: true}); scrollTo(0, state.participant ? byId("task").offsetTop - 8 : 0); }
  show.isLater = true;
}

function showWelcome() {
  show("Before you begin", byId("welcome").content.cloneNode(true));
  byId("experience").append(...spec.experience.map(text => element("option", {value: text, textContent: text})));
  byId("content").querySelector("form").addEventListener("submit", event => {
    event.preventDefault();
    const participant = byId("participant").value.trim();
    if (!participant) { byId("participant").value = ""; byId("participant").reportValidity(); return; }
    state = {participant, experience: byId("experience").value, answers: []};
    store();
    showNext();
  });
}

function showNext() {
  if (!state.participant) return showWelcome();
  const questions = questionsOf(state.participant), place = state.answers.length;
  if (place >= questions.length) return showEnd(questions);
  showQuestion(questions[place], place, questions.length);
}

function picture(source, alt) { return element("img", {src: source, alt}); }

function samples(model, method) {
  return element("ol", {className: "samples"}, ...model.images.map((image, index) => {
    const {correct, predicted} = model.answers[index];
    return element("li", {className: "sample"},
      element("div", {}, element("span", {className: "tag", textContent: "image"}), picture(image, `Image ${index + 1}`)),
      element("div", {}, element("span", {className: "tag", textContent: model.maps[method][index].is_empty ? "map (empty)" : "map"}), picture(model.maps[method][index].picture, `Map of image ${index + 1}`)),
      element("p", {}, "correct: ", element("b", {textContent: correct}), element("br"), "model: ", element("b", {textContent: predicted})));
  }));
}

function choices(name, legend, className, options) {
  return element("fieldset", {className}, element("legend", {textContent: legend}), ...options.map(([value, text]) =>
    element("label", {}, element("input", {type: "radio", name, value, required: true}), text)));
}

function showQuestion(question, place, count) {
  const model = spec.models[question.model];
  const comment = element("input", {type: "text", id: "comment", maxLength: 300, autocomplete: "off"});
  const back = element("button", {type: "button", textContent: "Back", disabled: place === 0});
  const form = element("form", {},
    choices("answer", "Is this model ready to be sold?", "scale", spec.scale.map((text, index) => [String(index + 1), `${index + 1} ${text}`])),
    choices("reason", "Why?", "reasons", Object.entries(spec.reasons)),
    element("p", {}, element("label", {htmlFor: "comment", textContent: "In your own words (needed for another reason)"}), comment),
    element("div", {className: "buttons"}, element("button", {type: "submit", className: "primary", textContent: place + 1 < count ? "Next" : "Finish"}), back));
  form.addEventListener("change", () => { comment.required = new FormData(form).get("reason") === "other"; });
  form.addEventListener("submit", event => {
    event.preventDefault();
    const data = new FormData(form);
    state.answers.push({answer: data.get("answer"), reason: data.get("reason"), comment: comment.value.trim()});
    store();
    showNext();
  });
  back.addEventListener("click", () => { state.answers.pop(); store(); showNext(); });
  const bar = element("progress", {max: count, value: place});
  bar.setAttribute("aria-label", "Progress");
  show(`Question ${place + 1} of ${count}`, bar, samples(model, question.method), form);
}

// ---------------------------------------------------------------- export

function cell(value) {  // quoted; a text that a spreadsheet would take for a formula is preceded by an apostrophe
  const text = String(value).replace(/[\u0000-\u001f\u007f]/g, " ");
  return `"${(/^\s*[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
function csv(questions) {
  const rows = state.answers.map((answer, index) => {
    const {model, method, repeat} = questions[index], {condition, environment} = spec.models[model];
    const row = {...answer, participant: state.participant, experience: state.experience, place: index + 1, condition, environment, method, repeat};
    return spec.columns.map(column => cell(row[column])).join(",");
  });
  return [spec.columns.join(","), ...rows, ""].join("\n");
}
function save(text) {
  const address = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  const name = state.participant.replace(/[^\p{L}\p{N}_-]+/gu, "_");
  element("a", {href: address, download: `quiz-${name}.csv`}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// ---------------------------------------------------------------- the end

function ratings(questions) {
  const conditions = Object.keys(spec.explanations);
  const rows = conditions.map(condition => element("tr", {}, element("th", {scope: "row", textContent: condition}), ...spec.methods.map(method => {
    const answers = state.answers.filter((_, index) => !questions[index].repeat && questions[index].method === method && spec.models[questions[index].model].condition === condition);
    return element("td", {textContent: answers.map(answer => answer.answer).join(", ")});
  })));
  const head = element("tr", {}, element("th", {scope: "col", textContent: "model"}), ...spec.methods.map(method => element("th", {scope: "col", textContent: method})));
  return element("div", {className: "scroll"}, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function revealed(model) {
  const figure = (source, text) => element("figure", {}, picture(source, text), element("figcaption", {textContent: text}));
  return [
    element("h3", {textContent: model.condition}),
    element("p", {}, spec.explanations[model.condition], " ", element("code", {textContent: model.environment})),
    element("div", {className: "truths"}, figure(model.images[0], "image"), figure(model.truths[0], "exact truth"), ...spec.methods.map(method => figure(model.maps[method][0].picture, model.maps[method][0].is_empty ? `${method} (empty)` : method))),
  ];
}

function showEnd(questions) {
  const text = csv(questions);
  const download = element("button", {type: "button", className: "primary", textContent: "Save as CSV"});
  download.addEventListener("click", () => save(text));
  const again = element("button", {type: "button", textContent: "Delete my answers and begin again"});
  again.addEventListener("click", () => {
    if (!confirm("Delete all answers of this participant from this browser?")) return;
    state = empty();
    store();
    showNext();
  });
  const copy = element("textarea", {readOnly: true, value: text});
  copy.setAttribute("aria-label", "The answers as CSV");
  show("Thank you", element("p", {textContent: "Save your answers and hand in the file. Below is what each model was."}),
    element("div", {className: "buttons"}, download, again),
    element("details", {}, element("summary", {textContent: "The file as text, to copy"}), copy),
    element("h3", {textContent: "Your answers (1: definitely not, 5: definitely ready)"}), ratings(questions),
    ...spec.models.flatMap(revealed));
}

showNext();

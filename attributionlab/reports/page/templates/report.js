"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

  // verdict table: filters
  const rows = findAll("#verdict-table tbody tr");
  const truth = find("#filter-truth"), environment = find("#filter-environment"), method = find("#filter-method");

  function filter() {
    const part = method.value.trim().toLowerCase();
    let n = 0;
    for (const row of rows) {
      const data = row.dataset;
      const fits = (truth.value === "" || (truth.value === "decides" ? "decides" in data : data.truth === truth.value))
        && (environment.value === "" || data.environment === environment.value)
        && data.method.toLowerCase().includes(part);
      row.hidden = !fits;
      n += fits;
    }
    find("#count").textContent = `${n} of ${rows.length} rows`;
    find("#nothing").hidden = n > 0;
    const family = environment.selectedOptions[0].dataset.family;
    for (const chart of findAll(".chart")) chart.hidden = environment.value !== "" && chart.dataset.family !== family;
    for (const card of findAll(".card")) card.hidden = environment.value !== "" && card.dataset.environment !== environment.value;
  }

  for (const control of [truth, environment, method]) control.addEventListener("input", filter);

  // verdict table: sorting; rows without a value come last in both directions
  const body = find("#verdict-table tbody");
  const headings = findAll("#verdict-table thead th");

  function valueOf(row, column) {
    const cell = row.children[column];
    if (column === 0) return row.dataset.method.toLowerCase();
    if (!cell.classList.contains("number")) return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  }

  function compare(first, second) {
    return typeof first === "number" ? first - second : first < second ? -1 : first > second ? 1 : 0;
  }

  function sort(column) {
    const heading = headings[column];
    const usual = heading.classList.contains("number") ? "descending" : "ascending";
    const reversed = usual === "ascending" ? "descending" : "ascending";
    const direction = heading.getAttribute("aria-sort") === usual ? reversed : usual;
    for (const sorted of headings) sorted.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = rows.map((row) => [valueOf(row, column), row]);
    const valued = keyed.filter(([value]) => value !== null).sort(([a], [b]) => sign * compare(a, b));
    const unvalued = keyed.filter(([value]) => value === null);
    body.append(...[...valued, ...unvalued].map(([, row]) => row));
  }

  headings.forEach((heading, column) => {
    const button = find("button", heading);
    if (button) button.addEventListener("click", () => sort(column));
  });

  // gallery: the map on top of the images, and its opacity
  const layer = find("#layer");

  for (const card of findAll(".card")) {
    const slider = find("input[type=range]", card), shown = find(".layer", card), input = find(".input", card);
    const name = find(".layer-name", card);
    const dialog = document.getElementById(find(".open", card).dataset.opens);
    const truthSource = shown.src, truthName = name.textContent;
    copy(find(".copy-input", dialog), find(".input", card).src, "input");
    copy(find(".copy-truth", dialog), truthSource, "ground truth");

    const blend = () => {
      shown.style.opacity = slider.value / 100;
      input.style.opacity = slider.value === "100" && !shown.hidden ? 0 : 1;  // else it shows at the rounded corners
      input.style.filter = `grayscale(${Math.min(1, slider.value / 30)})`;  // colors of the image would mix with those of the map
      slider.setAttribute("aria-valuetext", `${slider.value} % map`);
    };
    slider.addEventListener("input", blend);
    blend();

    layer.addEventListener("input", () => {
      const chosen = layer.selectedOptions[0].textContent;
      const figure = layer.value === "truth" ? null : find(`[data-layer="${layer.value}"]`, dialog);
      const source = figure === null ? truthSource : find("img", figure)?.src;
      shown.hidden = source === undefined;
      if (!shown.hidden) shown.src = source;
      shown.alt = chosen;
      blend();
      name.textContent = figure === null ? truthName : `${chosen}: ${shown.hidden ? "no map" : figure.dataset.caption}`;
    });
  }

  function copy(figure, source, text) {
    const image = document.createElement("img");
    image.src = source;
    image.alt = text;
    figure.prepend(image);
  }

  // details of every image
  const dialogs = findAll("dialog");

  function show(index) {
    const dialog = dialogs[(index + dialogs.length) % dialogs.length];
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  dialogs.forEach((dialog, index) => {
    const step = (by) => { dialog.close(); show(index + by); };
    find(".close", dialog).addEventListener("click", () => dialog.close());
    find(".previous", dialog).addEventListener("click", () => step(-1));
    find(".next", dialog).addEventListener("click", () => step(1));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
  });
  for (const button of findAll(".open")) {
    button.addEventListener("click", () => show(dialogs.findIndex((dialog) => dialog.id === button.dataset.opens)));
  }

  // curves: show, hide and highlight
  for (const button of findAll(".legend button")) {
    const curves = findAll(`.chart g[data-curve="${button.dataset.curve}"]`);
    const light = (lit) => { for (const curve of curves) curve.classList.toggle("lit", lit); };
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => light(true));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => light(false));
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(visible));
      for (const curve of curves) curve.toggleAttribute("hidden", !visible);
    });
  }

  filter();
})();

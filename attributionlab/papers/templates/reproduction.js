"use strict";
(() => {
  const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];
  const [status, study, count] = ["filter-status", "filter-study", "count"].map((id) => document.getElementById(id));
  const rows = findAll(".findings tr.one");

  function filter() {
    let n = 0;
    for (const row of rows) {
      const fits = ["", row.dataset.status].includes(status.value) && ["", row.dataset.study].includes(study.value);
      row.hidden = !fits;
      const readings = row.nextElementSibling;
      if (readings?.classList.contains("readings")) readings.hidden = !fits;
      n += fits;
    }
    for (const section of findAll(".study")) {
      const claims = findAll(".findings tr.one", section);
      section.hidden = claims.length ? claims.every((row) => row.hidden) : status.value !== "" || !["", section.dataset.study].includes(study.value);
    }
    document.body.classList.toggle("filtered", status.value !== "");
    document.getElementById("nothing").hidden = n > 0;
    count.textContent = `${n} of ${rows.length} claims`;
  }

  for (const control of [status, study]) control.addEventListener("input", filter);

  // a count in the table at the top shows the claims that it counts
  for (const button of findAll(".count")) {
    button.addEventListener("click", () => {
      status.value = button.dataset.status;
      study.value = button.dataset.study;
      filter();
      document.getElementById("filters").scrollIntoView();
      status.focus({ preventScroll: true });
    });
  }

  // paper shows all readings
  window.addEventListener("beforeprint", () => findAll(".readings details").forEach((details) => { details.open = true; }));

  // a link to a study or a claim that is filtered away shows all again
  function reach() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target === null || target.closest("[hidden]") === null) return;
    status.value = study.value = "";
    filter();
    target.scrollIntoView();
  }

  for (const link of findAll('a[href^="#"]')) link.addEventListener("click", () => setTimeout(reach));
  filter();
})();

// What axe-core asks for beyond the theme: names of regions, and code that a keyboard can scroll.
function nameRegions() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap, .md-typeset p:has(> a > img:only-child)").forEach(part => {
    part.scrollWidth > part.clientWidth ? part.setAttribute("tabindex", "0") : part.removeAttribute("tabindex");
  });
  document.querySelectorAll(".md-code__nav").forEach((nav, index) => nav.setAttribute("aria-label", `Code block ${index + 1}`));
}

addEventListener("load", () => {
  nameRegions();
  new MutationObserver(nameRegions).observe(document.body, {childList: true, subtree: true});
});
addEventListener("resize", nameRegions);

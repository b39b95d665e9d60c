// What a reader zoomed into stays: Streamlit makes a chart anew for every new figure, so the ranges
// go into the address, from where the server draws the next one with them (components/kit/zoom.py).
// Charts whose layout has a `uirevision` are kept, under that name.
(() => {
  "use strict";
  const NAME = "zoom";
  const heard = new WeakSet();
  const resets = new WeakSet();

  const nameOf = (chart) => (typeof chart?.layout?.uirevision === "string" ? chart.layout.uirevision : "");

  function kept(name) {
    const at = new URL(location.href);
    const all = at.searchParams.getAll(NAME);
    const others = all.filter((one) => one.split("|")[0] !== name);
    at.searchParams.delete(NAME);
    others.forEach((one) => at.searchParams.append(NAME, one));
    return [at, others.length < all.length];
  }

  function keep(chart) {
    const { xaxis, yaxis } = chart._fullLayout;
    const ranges = [...xaxis.range, ...yaxis.range];
    const [at] = kept(nameOf(chart));
    at.searchParams.append(NAME, [nameOf(chart), ...ranges].join("|"));
    history.replaceState(history.state, "", at);
  }

  // The figure on the screen may have been drawn with the ranges: the server draws it without.
  function forget(chart) {
    const [at, was] = kept(nameOf(chart));
    if (!was) return;
    history.replaceState(history.state, "", at);
    window.dispatchEvent(new PopStateEvent("popstate"));
  }

  function relaid(chart) {
    if (resets.delete(chart)) forget(chart);
    else keep(chart);
  }

  // Every zoom begins with a press inside the chart: it is listened to from then on.
  document.addEventListener("pointerdown", (event) => {
    const chart = event.target instanceof Element ? event.target.closest(".js-plotly-plot") : null;
    if (!chart || !nameOf(chart)) return;
    if (event.target.closest('.modebar-btn[data-val="reset"]')) resets.add(chart);
    if (heard.has(chart)) return;
    heard.add(chart);
    chart.on("plotly_doubleclick", () => resets.add(chart));
    chart.on("plotly_relayout", (what) => {
      if (Object.keys(what).some((key) => /^[xy]axis\d*\.(range|autorange)/.test(key))) relaid(chart);
    });
  }, true);

  // Paper is narrower than the screen, and no chart is drawn anew for it: each is scaled, whole.
  const drawings = () => [...document.querySelectorAll(".js-plotly-plot .main-svg")];
  window.addEventListener("beforeprint", () => drawings().forEach((one) => {
    one.setAttribute("viewBox", `0 0 ${one.getAttribute("width")} ${one.getAttribute("height")}`);
    one.setAttribute("preserveAspectRatio", "xMinYMin meet");
  }));
  window.addEventListener("afterprint", () => drawings().forEach((one) => {
    one.removeAttribute("viewBox");
    one.removeAttribute("preserveAspectRatio");
  }));
})();

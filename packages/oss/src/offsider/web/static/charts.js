// Draws every [data-chart] with uPlot: its data is in the attribute, its colours are the style's. Live ones ask for
// figures and show what happened between two answers.
"use strict";

(() => {
  const drawn = new Map();
  const MOST_LIVE = 400;
  const SHOWN_S = 600;
  const COLOURS = ["--accent", "--line-2", "--line-3", "--line-4", "--dim"];

  function colour(name) {
    // A custom property with light-dark() is not computed; a real one is.
    const probe = document.createElement("i");
    probe.hidden = true;
    probe.className = `colour${name}`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function number(value) {
    return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: value < 1 ? 2 : 1, notation: value >= 1e5 ? "compact" : "standard" }).format(value);
  }

  function shown(value, unit) {
    if (value == null) return "–";
    if (unit !== "ms") return number(value);
    return value >= 1000 ? `${number(value / 1000)} s` : `${number(value)} ms`;
  }

  function paths(kind) {
    return kind === "days" ? uPlot.paths.bars({ size: [0.7, 24] }) : undefined;
  }

  function seriesOf(chart) {
    let next = 0;
    return chart.series.map((one) => {
      const stroke = colour(one.bad ? "--bad" : COLOURS[next++ % COLOURS.length]);
      // A line needs two points: one that stands alone among gaps is a dot.
      const known = (one.values ?? []).filter((value) => value != null).length;
      const alone = known > 0 && known <= 3 && known < one.values.length;
      return {
        label: one.label, stroke, width: 1.5, spanGaps: false, points: { show: alone, size: 6, fill: stroke }, paths: paths(chart.kind),
        fill: chart.kind === "days" ? stroke : chart.series.length === 1 || chart.kind === "live" ? stroke.replace("rgb(", "rgba(").replace(")", ", 0.12)") : undefined,
      };
    });
  }

  function dataOf(chart) {
    const xs = chart.kind === "days" ? chart.times.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000) : chart.times ?? [];
    return [xs, ...chart.series.map((one) => (chart.kind === "days" ? (one.values ?? []).map((value) => value || null) : one.values ?? []))];
  }

  function marks(chart) {
    return (plot) => {
      const context = plot.ctx;
      context.save();
      context.strokeStyle = colour("--warn");
      context.setLineDash([4, 4]);
      for (const mark of chart.marks ?? []) {
        const x = plot.valToPos(mark.at, "x", true);
        if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
        context.beginPath();
        context.moveTo(x, plot.bbox.top);
        context.lineTo(x, plot.bbox.top + plot.bbox.height);
        context.stroke();
      }
      context.restore();
    };
  }

  function tip(element, chart) {
    const box = document.createElement("div");
    box.className = "tip";
    box.hidden = true;
    element.append(box);
    const format = new Intl.DateTimeFormat(document.documentElement.lang, chart.kind === "days" ? { dateStyle: "medium", timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit", second: chart.kind === "live" ? "2-digit" : undefined, day: "numeric", month: "short" });
    return (plot) => {
      const { idx, left } = plot.cursor;
      box.hidden = idx == null || left < 0 || plot.data[0][idx] == null;
      if (box.hidden) return;
      const lines = [format.format(new Date(plot.data[0][idx] * 1000))];
      plot.series.slice(1).forEach((one, k) => lines.push(`${one.label}  ${shown(plot.data[k + 1][idx], chart.unit)}`));
      for (const mark of chart.marks ?? []) if (Math.abs(mark.at - plot.data[0][idx]) < 60) lines.push(`▏${mark.label}`);
      box.textContent = lines.join("\n");
      const x = left + plot.over.offsetLeft;
      box.style.insetInlineStart = "auto";
      box.style.left = `${Math.min(x + 12, element.clientWidth - box.offsetWidth - 4)}px`;
      box.style.top = "8px";
    };
  }

  function draw(element, chart) {
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const days = chart.kind === "days";
    const span = (chart.times?.at(-1) ?? 0) - (chart.times?.[0] ?? 0);
    const format = new Intl.DateTimeFormat(document.documentElement.lang, days ? { month: "short", day: "numeric", timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit", ...(span > 90000 ? { weekday: "short" } : {}) });
    element.replaceChildren();
    const hover = tip(element, chart);
    const plot = new uPlot({
      width: element.clientWidth, height: element.clientHeight, legend: { show: false }, padding: [10, 26, 0, 0],
      cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
      tzDate: chart.kind === "days" ? (at) => uPlot.tzDate(new Date(at * 1000), "UTC") : undefined,
      scales: { x: { time: true, ...(chart.kind === "live" ? { range: () => [Date.now() / 1000 - SHOWN_S, Date.now() / 1000] } : {}) }, y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [{ ...axis, size: 24, space: 64, values: (_plot, ticks) => ticks.map((tick) => format.format(new Date(tick * 1000))) }, { ...axis, size: 56, space: 36, values: (_plot, ticks) => ticks.map((tick) => shown(tick, chart.unit)) }],
      series: [{}, ...seriesOf(chart)],
      hooks: { draw: [marks(chart)], setCursor: [hover] },
    }, dataOf(chart), element);
    return plot;
  }

  function live(element, chart, plot) {
    const name = `offsider.live ${chart.address}`;
    let points = [];
    try { points = JSON.parse(sessionStorage.getItem(name) ?? "[]").filter((one) => one[0] > Date.now() / 1000 - SHOWN_S); } catch { points = []; }
    const known = chart.times.map((at, k) => [at, ...chart.series.map((one) => one.values[k])]);
    points = [...known.filter((one) => !points.length || one[0] < points[0][0]), ...points];
    let before = null;
    const show = () => plot().setData([0, 1, 2].map((k) => points.map((one) => one[k])));
    const ask = async () => {
      if (document.hidden || !element.isConnected || localStorage.getItem("offsider.live") === "off") return;
      let now;
      try {
        const answer = await fetch(chart.address, { headers: { accept: "application/json" } });
        if (!answer.ok) return;
        now = await answer.json();
      } catch { return; }
      if (before && now.at_s > before.at_s) {
        const span = now.at_s - before.at_s;
        const rate = (name) => Math.max(0, now[name] - before[name]) / span;
        points.push([now.at_s, rate("processed"), rate("failed")]);
        points = points.slice(-MOST_LIVE);
        try { sessionStorage.setItem(name, JSON.stringify(points)); } catch { /* kept for this page only */ }
        show();
      }
      before = now;
    };
    show();
    ask();
    setInterval(ask, 2000);
  }

  function look() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const text = element.dataset.chart;
      const known = drawn.get(element);
      if (known && (known.text === text || known.chart.kind === "live")) continue;
      const chart = JSON.parse(text);
      if (known) known.plot.destroy();
      const one = { text, chart, plot: draw(element, chart) };
      drawn.set(element, one);
      if (!known && chart.kind === "live") live(element, chart, () => drawn.get(element).plot);
    }
  }

  function again() {
    for (const [element, one] of drawn) {
      const data = one.plot.data;
      one.plot.destroy();
      one.plot = draw(element, one.chart);
      if (one.chart.kind === "live") one.plot.setData(data);
    }
  }

  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("offsider:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 120); });
  look();
})();
